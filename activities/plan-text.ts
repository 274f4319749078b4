import { windowsOf } from "../evaluation/perplexity.js";
import { type PerplexityInput, readDocuments, readPerplexityInput } from "../evaluation/perplexity-text.js";
import { prefixToken } from "../evaluation/requests.js";
import { checkTokens } from "../models/forward.js";
import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedText } from "../study/plan.js";
import { type StudySpec, TEXT_WINDOW } from "../study/spec.js";
import { contentOf } from "./planned-files.js";

/** A text, its documents, or windows of tokens, as read for the checks of a plan. */
export interface CheckedText {
  planned: PlannedText;
  input: PerplexityInput | { documents: readonly string[] };
}

/**
 * @param where its key in the specification
 * @throws TouchstoneError InvalidData, InvalidStudySpec where a file's windows have another length than the specification says
 */
export async function planText(
  { path, length, windows }: StudySpec["evaluation"]["perplexity"][number],
  where: string,
): Promise<CheckedText> {
  if (windows === "rolling") {
    const documents = await readDocuments(path);
    return { planned: { ...(await contentOf(path)), form: "rolling", length: length ?? null }, input: { documents } };
  }
  const input = await readPerplexityInput(path);
  const file = await contentOf(path);
  if ("text" in input) return { planned: { ...file, form: "text", length: length ?? TEXT_WINDOW }, input };
  const own = input.windows[0].length;
  if (length === undefined || length === own) return { planned: { ...file, form: "tokens", length: own }, input };
  throw new TouchstoneError("InvalidStudySpec", {
    what: `${where}.length: is ${length}, but the windows of ${path} have ${own} tokens`,
    where: "the study specification",
    todo: "Leave it out: windows of tokens are taken as they are.",
  });
}

/** @throws TouchstoneError InvalidData for a text that fills no window, TokenizerMismatch for ids beyond the vocabulary */
export function requireWindows(model: Model, tokenizer: Tokenizer, { planned, input }: CheckedText): void {
  const { uri, length } = planned;
  if ("windows" in input) checkTokens(model, input.windows, `${uri}, for ${model.path}`);
  else if ("documents" in input) prefixToken(tokenizer);
  else windowsOf(input, tokenizer, length ?? TEXT_WINDOW, 1, { where: uri });
}
