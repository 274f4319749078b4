import { TouchstoneError } from "../../study/errors.js";
import { bloom } from "./bloom.js";
import { falcon } from "./falcon.js";
import type { GgufFamily } from "./family.js";
import { gemma, gemma2, gemma3 } from "./gemma.js";
import { gptNeox } from "./gpt-neox.js";
import { llama } from "./llama.js";
import { phi3 } from "./phi3.js";
import { qwen2, qwen2Moe, qwen3, qwen3Moe } from "./qwen.js";

const families: readonly GgufFamily[] = [
  bloom,
  falcon,
  gemma,
  gemma2,
  gemma3,
  gptNeox,
  llama,
  phi3,
  qwen2,
  qwen2Moe,
  qwen3,
  qwen3Moe,
];

/** @throws TouchstoneError UnsupportedArchitecture, naming what is supported */
export function ggufFamilyOf(architecture: unknown, where: string): GgufFamily {
  const found = families.find(({ name }) => name === architecture);
  if (found !== undefined) return found;
  throw new TouchstoneError("UnsupportedArchitecture", {
    what: `GGUF files of the architecture ${String(architecture)} are not supported`,
    where,
    todo: `Supported are: ${families.map(({ name }) => name).join(", ")}. Use the model's Hugging Face folder.`,
  });
}
