import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";

/** Records as the packages hold them, to the fields that the data sets have on the hub. Each takes one line's object. */
export const conversions = {
  boolq: (row: unknown, index: number) => {
    const { question, passage, answer } = boolqRow.parse(row);
    return { question, passage, label: answer === "True" ? 1 : 0, idx: index };
  },
  piqa: (row: unknown) => {
    const { question, options, answer } = optionsRow.parse(row);
    const { texts, right } = splitOptions(options, answer, 2);
    return { goal: question, sol1: texts[0], sol2: texts[1], label: right };
  },
  openbookqa: (row: unknown, index: number) => {
    const { question, options, answer } = optionsRow.parse(row);
    const { texts, right } = splitOptions(options, answer, 4);
    const label = LETTERS.slice(0, texts.length);
    // The package has a space after every stem; the hub's stems have none.
    return {
      id: `openbookqa-${index}`,
      question_stem: question.trimEnd(),
      choices: { text: texts, label },
      answerKey: label[right],
    };
  },
} as const;

export type Conversion = (row: unknown, index: number) => object;

const LETTERS = ["A", "B", "C", "D"];
const boolqRow = z.object({
  question: z.string().min(1),
  passage: z.string().min(1),
  answer: z.enum(["True", "False"]),
});
const optionsRow = z.object({ question: z.string(), options: z.string(), answer: z.string() });

/**
 * The options of `"A. first\nB. second"` without their letters, and which of them the answer is.
 * @throws Error when there are not `count` options, or when the answer is none of them
 */
export function splitOptions(options: string, answer: string, count: number): { texts: string[]; right: number } {
  const starts = [0];
  for (const letter of LETTERS.slice(1, count)) {
    const start = options.indexOf(`\n${letter}. `, starts.at(-1));
    if (start === -1) throw new Error(`there is no option ${letter}`);
    starts.push(start + 1);
  }
  const lettered = starts.map((start, i) => options.slice(start, i + 1 < count ? starts[i + 1] - 1 : undefined));
  if (!lettered[0].startsWith("A. ")) throw new Error("there is no option A");
  const right = lettered.indexOf(answer);
  if (right === -1) throw new Error("the answer is none of the options");
  return { texts: lettered.map((option) => option.slice("A. ".length)), right };
}

/**
 * Converts each line of a JSON Lines text.
 * @param where the file, for errors
 * @throws TouchstoneError InvalidData with file, line and what is wrong there
 */
export function convertLines<T>(text: string, where: string, convert: (row: unknown, index: number) => T): T[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    try {
      return convert(JSON.parse(line), index);
    } catch (cause) {
      const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : cause instanceof Error ? cause.message : "";
      throw new TouchstoneError(
        "InvalidData",
        {
          what: `This record can't be converted: ${reason}`,
          where: `${where}, line ${index + 1}`,
          todo: "Fetch the package again.",
        },
        { cause },
      );
    }
  });
}

export function toJsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
