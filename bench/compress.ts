import { rm } from "node:fs/promises";
import { type CompressionReport, compressModel } from "../compression/compress-model.js";
import { createModelFolder } from "../models/write-folder.js";
import { homePath } from "../storage/home.js";
import { type MethodSettings, methodSettingsSchema } from "../study/methods.js";
import type { BenchContext, BenchPart } from "./part.js";
import { type PyTorchSeconds, pyTorchSeconds } from "./reference.js";
import { secondsSince } from "./timing.js";

interface CompressFigures {
  method: string;
  seconds: number;
  phases: CompressionReport["phases"];
  /** What is left: reading weights. */
  reading: number;
  pyTorch: PyTorchSeconds | null;
}

/** The defaults, and the name of the same case among the reference values. */
const METHODS = [
  { name: "gptq", reference: "gptq_4bit" },
  { name: "spqr", reference: "spqr_4bit" },
  { name: "sparsegpt", reference: "sparsegpt_2of4" },
  { name: "wanda", reference: "wanda_2of4" },
  { name: "rtn", reference: "rtn_4bit" },
  { name: "magnitude", reference: undefined },
] as const;

/** The whole model on 16 x 256 tokens, in this process, into a folder of float32 weights. */
export const compressPart: BenchPart<CompressFigures[]> = {
  title: "compressing the model on 16 x 256 tokens",
  usualSeconds: 200,
  measure: async (context) => {
    const known = await pyTorchSeconds();
    const measured: CompressFigures[] = [];
    for (const { name, reference } of METHODS) {
      const { seconds, phases } = await compress(context, methodSettingsSchema.parse({ method: name }));
      const reading = seconds - Object.values(phases).reduce((sum, phase) => sum + phase, 0);
      const pyTorch = (reference !== undefined && known.get(reference)) || null;
      measured.push({ method: name, seconds, phases, reading, pyTorch });
    }
    return measured;
  },
  show: (measured) => ({
    head: ["seconds", "all", "capture", "solve", "forward", "write", "reading", "all but writing", "times as fast"],
    rows: measured.flatMap(({ method, seconds, phases, reading, pyTorch }) => [
      [
        method,
        ...[seconds, phases.capture, phases.solve, phases.forward, phases.write, reading, seconds - phases.write].map(
          tenths,
        ),
        pyTorch === null ? "" : (pyTorch.seconds / (seconds - phases.write)).toFixed(1),
      ],
      ...(pyTorch === null ? [] : [pyTorchRow(pyTorch)]),
    ]),
    notes: measured.every(({ pyTorch }) => pyTorch === null)
      ? ["there are no reference values to compare with"]
      : ["PyTorch: reference implementations, float32, 2 cores; nothing is written there"],
  }),
};

function pyTorchRow({ seconds, phases }: PyTorchSeconds): string[] {
  const { capture, solve, forward } = phases;
  return ["  PyTorch", ...[seconds, capture, solve, forward].map(tenths), "", "", tenths(seconds), ""];
}

async function compress({ model, calibration }: BenchContext, settings: MethodSettings) {
  const out = homePath("bench", settings.method);
  const folder = await createModelFolder(model, out, { dtype: "F32" });
  try {
    const report = await compressModel(model, calibration, settings, folder);
    const started = performance.now();
    await folder.finish();
    const finishing = secondsSince(started);
    const { write, ...others } = report.phases;
    return { seconds: report.seconds + finishing, phases: { ...others, write: write + finishing } };
  } catch (error) {
    await folder.discard();
    throw error;
  } finally {
    await rm(homePath("bench"), { recursive: true, force: true });
  }
}

function tenths(seconds: number): string {
  return seconds.toFixed(1);
}
