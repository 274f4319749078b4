import { TouchstoneError } from "../study/errors.js";
import { gemma } from "./architectures/gemma.js";
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
import type { Architecture } from "./model.js";

/** Every architecture: one file and one line. */
const architectures: readonly Architecture[] = [
  ...[gemma, gptNeox, llama, mistral, mixtral, opt, phi3],
  ...[qwen2, qwen2Moe, qwen3, qwen3Moe],
];

/** @throws TouchstoneError UnsupportedArchitecture, naming what is supported */
export function architectureOf(huggingFace: Readonly<Record<string, unknown>>, where: string): Architecture {
  const found = architectures.find(({ modelType }) => modelType === huggingFace.model_type);
  if (found !== undefined) return found;
  throw new TouchstoneError("UnsupportedArchitecture", {
    what: `Model type ${JSON.stringify(huggingFace.model_type)} is not supported`,
    where,
    todo: `Supported are: ${architectures.map(({ modelType }) => modelType).join(", ")}. Another takes a file in models/architectures/ (CONTRIBUTING.md).`,
  });
}
