import { z } from "zod";
import { defineTask, type Task } from "../../task.js";
import { wholeNumber } from "../fields.js";

/** By language: what asks whether the premise is right, and the answers for entailment, neutral and contradiction. */
const WORDS: Readonly<Record<string, readonly [question: string, ...answers: [string, string, string]]>> = {
  ar: ["صحيح", "نعم", "لذا", "رقم"],
  bg: ["правилно", "да", "така", "не"],
  de: ["richtig", "Ja", "Auch", "Nein"],
  el: ["σωστός", "Ναί", "Έτσι", "όχι"],
  en: ["right", "Yes", "Also", "No"],
  es: ["correcto", "Sí", "Asi que", "No"],
  fr: ["correct", "Oui", "Aussi", "Non"],
  hi: ["सही", "हाँ", "इसलिए", "नहीं"],
  ru: ["правильно", "Да", "Так", "Нет"],
  sw: ["sahihi", "Ndiyo", "Hivyo", "Hapana"],
  th: ["ถูกต้อง", "ใช่", "ดังนั้น", "ไม่"],
  tr: ["doğru", "Evet", "Böylece", "Hayır"],
  ur: ["صحیح", "جی ہاں", "اس لئے", "نہیں"],
  vi: ["đúng", "Vâng", "Vì vậy", "Không"],
  zh: ["正确", "是的", "所以", "不是的"],
};

/**
 * XNLI (Conneau et al. 2018, arXiv 1809.05053): which of three texts of premise, answer and hypothesis is likeliest as a whole.
 * The words are lm-evaluation-harness's, slips included, since figures are compared with its.
 */
export const xnli: readonly Task[] = Object.entries(WORDS).map(([language, [right, ...answers]]) =>
  defineTask({
    name: `xnli_${language}`,
    version: 1,
    split: "validation",
    metrics: ["acc"],
    record: z.object({ premise: z.string(), hypothesis: z.string(), label: wholeNumber(0, 2) }),
    question: ({ premise, hypothesis, label }) => ({
      form: "choices",
      context: "",
      choices: answers.map((answer) => `${premise}, ${right}? ${answer}, ${hypothesis}`),
      gold: label,
    }),
  }),
);
