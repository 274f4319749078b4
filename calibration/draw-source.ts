import type { Tokenizer } from "../models/tokenizer.js";
import type { SourceSpec } from "../study/source.js";
import type { StudySpec } from "../study/spec.js";
import { sampleSets } from "./sample.js";
import type { SampledSet } from "./set.js";

export interface SourceDraw {
  source: SourceSpec;
  /** The source's files. */
  files: readonly string[];
  tokenizer: Tokenizer;
  calibration: StudySpec["calibration"];
  /** Which of the source's sets. */
  sets: readonly number[];
}

/** Sets of a study's source, of its largest size. @throws TouchstoneError as `sampleSets` */
export function drawSource(
  { source, files, tokenizer, calibration, sets }: SourceDraw,
  onProgress?: (documentsSeen: number) => void,
): Promise<SampledSet[]> {
  const { sizes, sets: _, ...settings } = calibration;
  return sampleSets(
    { source, files, tokenizer, settings: { ...settings, largestSize: Math.max(...sizes) }, sets },
    onProgress,
  );
}
