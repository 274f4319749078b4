import { TouchstoneError } from "../study/errors.js";
import { installCheckers } from "./checkers.js";
import { withLock } from "./lock.js";
import { installNativeTensorFlow } from "./native-tensorflow.js";
import { createProgress, type Progress } from "./progress.js";
import { installModel, installTexts } from "./quickstart-data.js";
import { installReaders } from "./readers.js";
import { up } from "./services.js";
import { installTokenizers } from "./tokenizers.js";

export const setUpParts = ["tensorflow", "services", "model", "texts", "readers", "tokenizers", "checkers"] as const;
export type SetUpPart = (typeof setUpParts)[number];

/**
 * Does what of the set-up is wanted and not yet done, saying what it does. Running it again takes no time.
 * @throws TouchstoneError SetupIncomplete, ServiceUnavailable, DiskFull, InvalidData
 */
export async function setUp(parts: readonly SetUpPart[], progress: Progress = createProgress()): Promise<void> {
  await withLock("set-up", async () => {
    for (const part of setUpParts) if (parts.includes(part)) await steps[part](progress);
  });
}

const steps: Record<SetUpPart, (progress: Progress) => Promise<unknown>> = {
  tensorflow: async (progress) => {
    const result = await installNativeTensorFlow(progress);
    if (result.backend === "native") return;
    progress.note(`  ! Tensor work runs on WebAssembly, many times slower than native TensorFlow: ${result.reason}.`);
  },
  services: (progress) => up({ progress }),
  model: installModel,
  texts: installTexts,
  readers: installReaders,
  tokenizers: installTokenizers,
  checkers: (progress) =>
    installCheckers(progress).catch((error: unknown) => {
      if (!(error instanceof TouchstoneError) || error.type !== "SetupIncomplete") throw error;
      progress.note(`  ! The files for containers and clusters are not checked here: ${error.message}`);
    }),
};
