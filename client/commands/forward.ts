import { Command } from "commander";
import { readCalibration } from "../../calibration/read-calibration.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { writeSafetensors } from "../../models/safetensors-write.js";
import { loadBackend } from "../../tensor/backend.js";

interface ForwardOptions {
  tokens: string;
  out: string;
}

/** `touchstone forward`: a model's logits and block inputs for given tokens, to compare with other implementations. */
export function forwardCommand(): Command {
  return new Command("forward")
    .description("compute a model's logits and the input of each of its blocks")
    .argument("<model>", "Hugging Face folder or .gguf file, local or s3://")
    .requiredOption("--tokens <file>", 'token ids, all sequences of one length: JSON {"input_ids": [[...], ...]}')
    .requiredOption("--out <file>", "safetensors file for logits and block_outputs")
    .action(forward);
}

/** `block_outputs[b]` is the input of block b: what came out of the embedding or the block before. */
async function forward(path: string, { tokens, out }: ForwardOptions): Promise<void> {
  const sequences = await readCalibration(tokens);
  const model = await loadModel(path);
  try {
    await loadBackend();
    const { logits, blockInputs } = await forwardTokens(model, sequences);
    await writeSafetensors(out, new Map(Object.entries({ logits, block_outputs: blockInputs })));
  } finally {
    await model.close();
  }
}
