import type { SequenceScore } from "../evaluation/sequence-score.js";
import { decodeScores, encodeScores, type StoredScores } from "../evaluation/stored-scores.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { sha256 } from "../storage/identity.js";
import { measure } from "../storage/measure.js";
import { scoresDerivation } from "./derivations.js";

interface ScoresFacts {
  requests: number;
}

/**
 * The scores of a model's requests in the store: portions 0, 1, ... in the order in which they were computed, whichever
 * tasks asked for them. What a killed step has stored is found by the next one, as are the requests that tasks have in common.
 * @param model identity of what determines its weights
 * @param signal where it is aborted nothing is written
 */
export function storedScores(checkpoints: Checkpoints, model: string, signal: AbortSignal): StoredScores {
  let next = 0;
  return {
    read: async () => {
      const all = new Map<string, SequenceScore>();
      for (next = 0; ; next++) {
        const manifest = await checkpoints.find<ScoresFacts>("scores", scoresDerivation(model, next));
        if (manifest === undefined) return all;
        const bytes = await checkpoints.object(manifest, "scores");
        for (const [key, score] of decodeScores(bytes, `scores ${manifest.key}`)) all.set(key, score);
      }
    },
    append: async (scores) => {
      const bytes = encodeScores(scores);
      const own = sha256(bytes);
      measure("touchstone_requests", scores.size);
      for (;;) {
        signal.throwIfAborted();
        const facts: ScoresFacts = { requests: scores.size };
        const manifest = await checkpoints.commit("scores", scoresDerivation(model, next++), { scores: bytes }, facts);
        // Another task of the model was first with that number.
        if (manifest.objects.scores.sha256 === own) return;
      }
    },
  };
}
