import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { command } from "../../infra/commands.js";
import { modelPath } from "../../infra/quickstart-data.js";
import { mistralSentencePiece, tokenizerFolders, tokenizersPython } from "../../infra/tokenizers.js";
import type { GgufMetadata } from "../../models/gguf-header.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { CONTROL, NORMAL } from "../../models/tokenizer-files.js";
import { loadFolderTokenizer, loadGgufTokenizer, tokenizerFilesOf } from "../../models/tokenizer-load.js";
import { checkoutFolder } from "../../storage/home.js";
import { folderWith, scratchFolder } from "../models/small-model.js";
import { mixedTexts, SPECIAL } from "./strings.js";

// Published vocabularies in every form that is read: our ids beside those of the libraries that made them.

const TEXTS = 10_000;
/** Of these each tokenizer gets the first that can be compared. */
const DRAWN = 12_000;
const SEED = 2311;

const python = tokenizersPython();
const skip = !existsSync(python) && "the vocabularies aren't here: npm run test:tokenizers";

interface Case {
  name: string;
  /** SentencePiece knows no special tokens in texts, where transformers does: such texts are left out. */
  library: "tokenizers" | "sentencepiece";
  /** The reference's file, and what reads our tokenizer. */
  make(): Promise<{ file: string; load(): Promise<Tokenizer> }>;
}

const published = (family: string) => join(tokenizerFolders.get(family)!, "tokenizer.json");

const cases: Case[] = [
  ...Array.from(tokenizerFolders, ([family, folder]): Case => {
    const make = async () => ({ file: published(family), load: () => loadFolderTokenizer(folder) });
    return { name: `${family}, tokenizer.json`, library: "tokenizers", make };
  }),
  ...[
    ["LLaMA 3.2", "llama-bpe"],
    ["Mistral Nemo", "tekken"],
    ["GPT-2", "gpt-2"],
  ].map(([family, pre]): Case => {
    const file = published(family);
    const load = async () => loadGgufTokenizer(await ggufVocabulary(file, pre), file);
    return { name: `${family}, as a GGUF vocabulary`, library: "tokenizers", make: async () => ({ file, load }) };
  }),
  {
    name: "GPT-2 as OPT has it, vocab.json and merges.txt",
    library: "tokenizers",
    make: async () => {
      const file = published("GPT-2");
      const folder = await folderWith(await vocabAndMerges(file));
      return { file, load: () => loadFolderTokenizer(folder) };
    },
  },
  {
    name: "Mistral 7B, tokenizer.model",
    library: "sentencepiece",
    make: async () => {
      const folder = await folderWith({ "tokenizer.model": await readFile(mistralSentencePiece) });
      return { file: mistralSentencePiece, load: () => loadFolderTokenizer(folder) };
    },
  },
  {
    name: "a small Unigram vocabulary as T5 has them",
    library: "tokenizers",
    make: async () => {
      const folder = join(checkoutFolder, "test", "models", "references", "unigram");
      return { file: join(folder, "tokenizer.json"), load: () => loadFolderTokenizer(folder) };
    },
  },
  {
    name: "SmolLM2, its GGUF file",
    library: "tokenizers",
    make: async () => {
      const folder = await folderWith(Object.fromEntries(await tokenizerFilesOf(modelPath())));
      return { file: join(folder, "tokenizer.json"), load: () => loadFolderTokenizer(folder) };
    },
  },
];

test("ids are those of the libraries that made the vocabularies", { skip, timeout: 1_800_000 }, async (context) => {
  const texts = mixedTexts(DRAWN, SEED);
  const folder = await scratchFolder();
  const made = [];
  for (const [i, each] of cases.entries()) {
    made.push({ ...each, ...(await each.make()), out: join(folder, `${i}.json`) });
  }
  const given = join(folder, "cases.json");
  await writeFile(
    given,
    JSON.stringify({ texts, cases: made.map(({ library, file, out }) => ({ library, file, out })) }),
  );
  const script = join(checkoutFolder, "test", "tokenizers", "reference_ids.py");
  await command(python, [script, given], "Look at what the reference tokenizers say.");

  for (const { name, library, out, load } of made) {
    await context.test(`${name}: ${TEXTS} mixed texts`, async (context) => {
      const tokenizer = await load();
      const expected = idsSchema.parse(JSON.parse(await readFile(out, "utf8")));
      const comparable = texts.flatMap((text, i) => {
        const isLeftOut = library === "sentencepiece" && SPECIAL.some((special) => text.includes(special));
        return isLeftOut ? [] : [{ text, expected: expected[i] }];
      });
      const compared = comparable.slice(0, TEXTS);
      assert.equal(compared.length, TEXTS);
      const wrong = compared.filter(({ text, expected }) => !equal(tokenizer.encode(text), expected));
      const tokens = compared.reduce((sum, { expected: ids }) => sum + ids.length, 0);
      context.diagnostic(`${compared.length} texts, ${tokens} tokens`);
      assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} texts have other ids`);
    });
  }
});

const idsSchema = z.array(z.array(z.int()));

function equal(ours: Int32Array, theirs: readonly number[]): boolean {
  return ours.length === theirs.length && theirs.every((id, i) => ours[i] === id);
}

const describedSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string() })),
  model: z.object({
    vocab: z.record(z.string(), z.int()),
    merges: z
      .array(z.union([z.string(), z.tuple([z.string(), z.string()])]))
      .transform((merges) => merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")))),
  }),
});

async function described(file: string): Promise<z.output<typeof describedSchema>> {
  return describedSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

async function vocabAndMerges(file: string): Promise<Record<string, string>> {
  const { model } = await described(file);
  return {
    "vocab.json": JSON.stringify(model.vocab),
    "merges.txt": ["#version: 0.2", ...model.merges, ""].join("\n"),
    "tokenizer_config.json": JSON.stringify({ tokenizer_class: "GPT2Tokenizer", add_prefix_space: false }),
  };
}

/** The same vocabulary as the metadata that a conversion to GGUF writes. */
async function ggufVocabulary(file: string, pre: string): Promise<GgufMetadata> {
  const { model, added_tokens } = await described(file);
  const added = new Map(added_tokens.map(({ id, content }) => [content, id]));
  const ids = new Map([...Object.entries(model.vocab), ...added]);
  const tokens = [...ids.keys()].sort((a, b) => ids.get(a)! - ids.get(b)!);
  const bos = ["<|begin_of_text|>", "<s>", "<|endoftext|>"].find((name) => ids.has(name))!;
  return new Map<string, string | number | string[] | number[]>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", pre],
    ["tokenizer.ggml.tokens", tokens],
    ["tokenizer.ggml.token_type", tokens.map((token) => (added.has(token) ? CONTROL : NORMAL))],
    ["tokenizer.ggml.merges", model.merges],
    ["tokenizer.ggml.bos_token_id", ids.get(bos)!],
  ]);
}
