import { z } from "zod";
import { sha256 } from "../../storage/identity.js";
import { TouchstoneError } from "../../study/errors.js";
import type { Question } from "../question.js";
import { defineTask } from "../task.js";
import { strip } from "../text.js";

/** A text of several sentences, as its last one and what stands before it. */
interface Passage {
  context: string;
  ending: string;
}

const WRONG_ENDINGS = 3;

/** Ends of sentences: a mark, closing quotes, a space, and a capital; not after initials and the commonest titles. */
const BOUNDARY = /(?<!\b(?:\p{Lu}|Mr|Mrs|Ms|Dr|St|Gen|Hon|No))[.!?]["'”’)\]]*\s+(?=["'“‘([]*\p{Lu})/gu;

const record = z.object({ text: z.string() }).transform(({ text }, context): Passage => {
  const passage = splitEnding(strip(text));
  if (passage !== undefined) return passage;
  context.addIssue({ code: "custom", path: ["text"], message: "has fewer than two sentences" });
  return z.NEVER;
});

/**
 * Which sentence ends a text: its own, or one of three that end other texts. Which three, and the order of the four,
 * are drawn by the text's hash, so they depend on the records alone.
 */
export const nextSentence = defineTask({
  name: "next_sentence",
  version: 1,
  split: "test",
  fewShotSplit: "test",
  metrics: ["acc", "acc_norm"],
  record,
  question: ({ context, ending }, all): Question => {
    const draw = drawer(context);
    const wrong = drawWrong(ending, all, draw);
    const gold = draw(wrong.length + 1);
    return { form: "choices", context, choices: wrong.toSpliced(gold, 0, ending), gold };
  },
});

function splitEnding(text: string): Passage | undefined {
  const last = Array.from(text.matchAll(BOUNDARY)).at(-1);
  if (last === undefined) return undefined;
  const start = last.index + last[0].length;
  return { context: strip(text.slice(0, start)), ending: text.slice(start) };
}

/** Distinct endings of other texts. @throws TouchstoneError InvalidData where the texts have too few */
function drawWrong(ending: string, all: readonly Passage[], draw: (below: number) => number): string[] {
  const wrong = new Set<string>();
  // Among many texts a draw seldom repeats; among a handful the bound ends the search.
  for (let tries = 0; wrong.size < WRONG_ENDINGS && tries < 100; tries++) {
    const other = all[draw(all.length)].ending;
    if (other !== ending) wrong.add(other);
  }
  if (wrong.size < WRONG_ENDINGS) {
    throw new TouchstoneError("InvalidData", {
      what: `The texts have fewer than ${WRONG_ENDINGS + 1} different endings to choose among`,
      where: "next_sentence",
      todo: "Give more texts.",
    });
  }
  return Array.from(wrong);
}

/** Successive whole numbers below given bounds, determined by `seed`. */
function drawer(seed: string): (below: number) => number {
  let count = 0;
  return (below) => Number.parseInt(sha256(`${count++} ${seed}`).slice(0, 12), 16) % below;
}
