import type { Task } from "../../task.js";
import { lambada } from "../lambada.js";

/** LAMBADA's openai texts in five languages, translated by a machine. */
export const lambadaMultilingual: readonly Task[] = ["de", "en", "es", "fr", "it"].map((language) =>
  lambada(`lambada_openai_mt_${language}`),
);

/** Another translation, in seven languages (Stability AI's). */
export const lambadaMultilingualStablelm: readonly Task[] = ["de", "en", "es", "fr", "it", "nl", "pt"].map((language) =>
  lambada(`lambada_openai_mt_stablelm_${language}`),
);
