import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";
import { parseOrThrow } from "../study/parse.js";

const tokenId = z.int().nonnegative();
const tokensFileSchema = z.object({ input_ids: z.array(z.array(tokenId).nonempty()).nonempty() });

/**
 * Token ids as JSON `{"input_ids": [[...], ...]}`, all sequences of one length.
 * @param where its file, for messages
 * @throws TouchstoneError InvalidData
 */
export function parseTokens(json: unknown, where: string): Int32Array[] {
  const { input_ids } = parseOrThrow(tokensFileSchema, json, "InvalidData", where);
  const { length } = input_ids[0];
  const other = input_ids.findIndex((ids) => ids.length !== length);
  if (other !== -1) {
    throw new TouchstoneError("InvalidData", {
      what: `Sequence ${other} has ${input_ids[other].length} tokens, but the first has ${length}`,
      where,
      todo: "Cut all sequences to one length.",
    });
  }
  return input_ids.map((ids) => Int32Array.from(ids));
}
