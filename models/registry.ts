import { TouchstoneError } from "../study/errors.js";
import { bloom } from "./architectures/bloom.js";
import { falcon } from "./architectures/falcon.js";
import { gemma } from "./architectures/gemma.js";
import { gemma2 } from "./architectures/gemma2.js";
import { gemma3 } from "./architectures/gemma3.js";
import { gptNeox } from "./architectures/gpt-neox.js";
import { llama } from "./architectures/llama.js";
import { mistral } from "./architectures/mistral.js";
import { mixtral } from "./architectures/mixtral.js";
import { opt } from "./architectures/opt.js";
import { phi3 } from "./architectures/phi3.js";
import { qwen2 } from "./architectures/qwen2.js";
import { qwen2Moe } from "./architectures/qwen2-moe.js";
import { qwen3 } from "./architectures/qwen3.js";
import { qwen3Moe } from "./architectures/qwen3-moe.js";
import { t5 } from "./architectures/t5.js";
import type { Architecture } from "./model.js";

/** Every architecture: one file and one line. */
const architectures: readonly Architecture[] = [
  bloom,
  falcon,
  gemma,
  gemma2,
  gemma3,
  gptNeox,
  llama,
  mistral,
  mixtral,
  opt,
  phi3,
  qwen2,
  qwen2Moe,
  qwen3,
  qwen3Moe,
  t5,
];

/** Models of text and images, by the model type of their text part. */
const textParts: Readonly<Record<string, string>> = { gemma3: "gemma3_text" };

/** @throws TouchstoneError UnsupportedArchitecture, naming what is supported */
export function architectureOf(huggingFace: Readonly<Record<string, unknown>>, where: string): Architecture {
  const found = architectures.find(({ modelType }) => modelType === huggingFace.model_type);
  if (found !== undefined) return found;
  const type = String(huggingFace.model_type);
  if (Object.hasOwn(textParts, type)) {
    throw new TouchstoneError("UnsupportedArchitecture", {
      what: `Model type "${type}", of text and images, is not supported`,
      where,
      todo: `Its text part alone is, as ${textParts[type]}: save a folder with its text_config as config.json, and the weights of language_model without this prefix.`,
    });
  }
  throw new TouchstoneError("UnsupportedArchitecture", {
    what: `Model type ${JSON.stringify(huggingFace.model_type)} is not supported`,
    where,
    todo: `Supported are: ${architectures.map(({ modelType }) => modelType).join(", ")}. Another takes a file in models/architectures/ (CONTRIBUTING.md).`,
  });
}
