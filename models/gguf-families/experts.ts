import { TouchstoneError } from "../../study/errors.js";
import type { GgufKeys, GgufMapping } from "./family.js";

/** A linear of an expert. */
export type ExpertPart = "gate" | "up" | "down";

/** Far above any model: a corrupt number would otherwise have its experts listed one by one. */
const MOST_EXPERTS = 10_000;

/** 0 where the file says nothing of them. @throws TouchstoneError InvalidModel */
export function expertCount(file: GgufKeys): number {
  const count = file.optional("expert_count") ?? 0;
  if (Number.isInteger(count) && count >= 0 && count <= MOST_EXPERTS) return count;
  throw new TouchstoneError("InvalidModel", {
    what: `The metadata have ${count} experts`,
    where: file.where,
    todo: "Fetch the file again, or convert the model again.",
  });
}

/** Files hold each linear of all experts of a block as one tensor [experts, out, in]. @param others names of all else */
export function expertNames(
  count: number,
  others: GgufMapping["names"],
  nameOf: (block: string, expert: number, part: ExpertPart) => string,
): GgufMapping["names"] {
  return (name) => {
    const [, block, part] = /^blk\.(\d+)\.ffn_(gate|up|down)_exps\.weight$/.exec(name) ?? [];
    if (part === undefined) return others(name);
    return Array.from({ length: count }, (_, expert) => nameOf(block, expert, part as ExpertPart));
  };
}
