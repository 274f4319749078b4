import fc from "fast-check";

// Texts on which tokenizers part: what people write in many scripts, and what nobody should write.

const WORDS = [
  ..."the The THE calibration don't I'LL we've it's naïve Zürich Straße ﬁnal ½ x² №5 e.g. U.S.A. 3.14159 1,234,567 0xFF 1e-9".split(
    " ",
  ),
  ..."Ελληνικά русский мир Україна 日本語 テキスト 中文分词 한국어 हिन्दी தமிழ் ไทย বাংলা العربية عربى עברית فارسی אָלֶף اَلْعَرَبِيَّةُ".split(
    " ",
  ),
  ..."👍 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ ☃ 😀😃😄 𝔘𝔫𝔦 𠮷 ￼ ｆｕｌｌ ① Ⅳ ٣٤٥ ৪২ 𝟙𝟚".split(" "),
  ...["e\u0301", "A\u030A", "\u1112\u1161\u11ab", "o\u0302\u0323", "\u200b", "\u200d", "\ufeff", "\u00ad"],
];

const CODE = [
  'def f(x: int) -> str:\n    return f"{x!r:>{10}}"\n',
  "for (let i = 0; i < n; ++i) {\n\tsum += a[i]**2; // \\u0041\n}\r\n",
  "SELECT * FROM t WHERE a='b' AND c<>\"d\";--",
  '<div class="a b">&nbsp;&lt;x&gt;</div>\n\n\n',
  '#include <stdio.h>\nint main(void){printf("%d\\n",42);}\n',
  "$\\frac{\\partial L}{\\partial w_{ij}}=\\sum_k x_k$",
  "https://example.org/a/b?c=d&e=%20f#g user@example.org ~/.ssh/id_rsa C:\\Temp\\x.txt",
];

/** White space of every kind, some of which JavaScript and the reference's patterns class apart. */
const SPACES = [
  ...[" ", "  ", "   ", "    ", "\t", "\n", "\n\n", "\r\n", " \n ", "\t\t ", "\v", "\f"],
  ...["\u0085", "\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u3000", "\u180e"],
];

/** Names of special tokens: in a text they are that token where the vocabulary has it. */
export const SPECIAL = [
  ...[
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<bos>",
    "<eos>",
    "[INST]",
    "[/INST]",
    "<0x0A>",
    "▁",
    "▁▁a",
    "Ġ",
    "<|im_start|>",
  ],
  ...["<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<start_of_turn>", "<|im_end|>", "<think>", "<|", "|>"],
];

/** Blocks in which no character was added after Unicode 9: the libraries and this Node class later ones each by its own tables. */
const BLOCKS: readonly (readonly [number, number])[] = [
  ...([
    [0x20, 0x7e],
    [0xa0, 0x2ff],
    [0x300, 0x36f],
    [0x400, 0x52f],
    [0x5d0, 0x5ea],
    [0x621, 0x652],
  ] as const),
  ...([
    [0x905, 0x94d],
    [0xe01, 0xe3a],
    [0x1100, 0x11ff],
    [0x1e00, 0x1eff],
    [0x2000, 0x2064],
    [0x2190, 0x23fa],
  ] as const),
  ...([
    [0x2460, 0x2775],
    [0x3041, 0x3096],
    [0x30a1, 0x30fa],
    [0x4e00, 0x9fa5],
    [0xac00, 0xd7a3],
    [0xff01, 0xff5e],
  ] as const),
  ...([
    [0x10330, 0x1034a],
    [0x12000, 0x1236e],
    [0x1d400, 0x1d454],
    [0x1f300, 0x1f5ff],
    [0x20000, 0x2a6d6],
  ] as const),
];

const oneOf = (list: readonly string[]) => fc.constantFrom(...list);
const controls = fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCodePoint(code));
const character = fc
  .oneof(...BLOCKS.map(([min, max]) => fc.integer({ min, max })))
  .map((code) => String.fromCodePoint(code));
const longWord = fc
  .tuple(oneOf(["a", "ab", "Xy", "é", "字", "-", "=", "0", "19", "😀", "\u0301"]), fc.integer({ min: 20, max: 200 }))
  .map(([part, times]) => part.repeat(times));
const letters = fc.string({ unit: oneOf([..."abcdefghijklmnopqrstuvwxyzABCXYZ'’-_.,!?0123456789"]), maxLength: 40 });

const piece = fc.oneof(
  { weight: 8, arbitrary: oneOf(WORDS) },
  { weight: 8, arbitrary: oneOf(SPACES) },
  { weight: 4, arbitrary: letters },
  { weight: 3, arbitrary: fc.string({ unit: character, maxLength: 12 }) },
  { weight: 2, arbitrary: oneOf(CODE) },
  { weight: 1, arbitrary: oneOf(SPECIAL) },
  { weight: 1, arbitrary: controls },
  { weight: 1, arbitrary: longWord },
);
const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(""));

/** The same mixed texts for the same seed. */
export function mixedTexts(count: number, seed: number): string[] {
  return fc.sample(text, { numRuns: count, seed });
}
