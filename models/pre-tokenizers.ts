import { TouchstoneError } from "../study/errors.js";

/** A component of `tokenizer.json`: its `type` says which other keys it has. */
export interface Component {
  type: string;
  [key: string]: unknown;
}

/** How GPT-2 cuts text before merging (Radford et al. 2019); the pattern that `ByteLevel` stands for. */
export const GPT2_PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** As the reference has it: Unicode's. */
const WHITE_SPACE = String.raw`\p{White_Space}`;

/** The normalizer `Strip`, which in the library takes off JavaScript's white space, in parts. */
export function exactStrip(component: Component): Component[] {
  if (component.type !== "Strip") return [component];
  const removed = (Regex: string) => ({ type: "Replace", pattern: { Regex }, content: "" });
  return [
    ...(component.strip_left === true ? [removed(`^${WHITE_SPACE}+`)] : []),
    ...(component.strip_right === true ? [removed(`${WHITE_SPACE}+$`)] : []),
  ];
}

/** The characters that stand for the 256 bytes after `ByteLevel` (Radford et al. 2019): printable ones for themselves. */
export function byteCharacters(): string[] {
  const own = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad),
  );
  const others = Array.from({ length: 256 - own.length }, (_, i) => 256 + i);
  return [...own, ...others].map((code) => String.fromCharCode(code));
}

/** The text between and the matches of a pattern, each by itself. */
export function isolate(pattern: string): Component {
  return { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
}

/**
 * The same pre-tokenizer in parts for which the library has the reference's classes of characters. Its own `Digits` knows
 * ASCII digits alone, its `ByteLevel` and `WhitespaceSplit` have JavaScript's white space, and its `Metaspace` and `Split` don't
 * know all ways to cut.
 */
export function exactPreTokenizer(component: Component | null): Component | null {
  if (component === null) return null;
  switch (component.type) {
    case "Sequence": {
      const parts = (component.pretokenizers as readonly Component[]).map(exactPreTokenizer);
      return { ...component, pretokenizers: parts };
    }
    case "Digits":
      return isolate(component.individual_digits === true ? String.raw`\p{N}` : String.raw`\p{N}+`);
    case "ByteLevel":
      if (component.add_prefix_space === true || component.use_regex === false) return component;
      return sequence(isolate(GPT2_PATTERN), { ...component, use_regex: false });
    case "WhitespaceSplit":
      return { type: "Split", pattern: { Regex: `${WHITE_SPACE}+` }, behavior: "Removed", invert: false };
    case "Metaspace":
      if (component.split === false) return component;
      return sequence(component, isolate(`(?=${String(component.replacement ?? "\u2581")})`));
    case "Split":
      return exactSplit(component);
    default:
      return component;
  }
}

/** One after the other, each on the pieces that the ones before leave. */
export function sequence(...pretokenizers: Component[]): Component {
  return { type: "Sequence", pretokenizers };
}

function exactSplit(component: Component): Component {
  const { behavior, pattern } = component;
  if (behavior === "Isolated" || behavior === "Removed") return component;
  const { String: text } = pattern as { String?: string };
  if (text !== undefined && (behavior === "MergedWithPrevious" || behavior === "MergedWithNext")) {
    const escaped = text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
    return isolate(behavior === "MergedWithPrevious" ? `(?<=${escaped})` : `(?=${escaped})`);
  }
  throw new TouchstoneError("InvalidModel", {
    what: `A pre-tokenizer that splits with the behaviour ${String(behavior)} is not supported`,
    where: "tokenizer.json, pre_tokenizer",
    todo: "Isolated and Removed are; for plain texts MergedWithPrevious and MergedWithNext too.",
  });
}
