import type { HubDataset, ManualDataset } from "./dataset.js";

/**
 * Where the hub converts data sets that are loading scripts: `<config>/<split>/0000.parquet`, with what the script gives
 * (https://huggingface.co/docs/dataset-viewer/parquet).
 */
const CONVERTED = "refs/convert/parquet";

type Place = Pick<HubDataset, "dataset" | "config" | "split" | "files" | "revision" | "licence">;

function task(name: string, place: Place, ...aliases: string[]): HubDataset {
  return { name, aliases, kind: "task", ...place };
}

function arc(name: string, config: string): HubDataset {
  return task(name, {
    dataset: "allenai/ai2_arc",
    config,
    split: "test",
    files: `${config}/{split}-*.parquet`,
    revision: "210d026faf9955653af8916fad021475a3f00453",
    licence: "cc-by-sa-4.0",
  });
}

function lambada(name: string, config: string, file: string, ...aliases: string[]): HubDataset {
  const place = {
    dataset: "EleutherAI/lambada_openai",
    config,
    split: "test",
    files: `data/${file}`,
    revision: "900124bf3b8235c6daf21033af9948b3f07346c4",
    licence: "mit",
  };
  return task(name, place, ...aliases);
}

/** One data set a task: the same as lm-evaluation-harness reads, with the fields that `evaluation/tasks/` names. */
export const englishTasks: readonly (HubDataset | ManualDataset)[] = [
  arc("arc_easy", "ARC-Easy"),
  arc("arc_challenge", "ARC-Challenge"),
  task("boolq", {
    dataset: "aps/super_glue",
    config: "boolq",
    split: "validation",
    files: "boolq/{split}-*.parquet",
    revision: "3de24cf8022e94f4ee4b9d55a6f539891524d646",
    licence: "cc-by-sa-3.0",
  }),
  task("hellaswag", {
    dataset: "Rowan/hellaswag",
    config: "default",
    split: "validation",
    files: "data/{split}-*.parquet",
    revision: "218ec52e09a7e7462a5400043bb9a69a41d06b76",
    licence: "not stated (mit on GitHub)",
  }),
  task("openbookqa", {
    dataset: "allenai/openbookqa",
    config: "main",
    split: "test",
    files: "main/{split}-*.parquet",
    revision: "388097ea7776314e93a529163e0fea805b8a6454",
    licence: "unknown",
  }),
  // The authors' own data set (ybisk/piqa) is a script that loads from elsewhere; the harness reads this copy.
  task("piqa", {
    dataset: "baber/piqa",
    config: "default",
    split: "validation",
    files: "piqa_{split}.parquet",
    revision: "142f6d7367fd9877f0fb3b5734ea6a545f54cdd1",
    licence: "not stated (afl-3.0 on GitHub)",
  }),
  task("rte", {
    dataset: "nyu-mll/glue",
    config: "rte",
    split: "validation",
    files: "rte/{split}-*.parquet",
    revision: "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    licence: "other",
  }),
  {
    name: "storycloze_2016",
    aliases: ["storycloze"],
    kind: "task",
    page: "https://cs.rochester.edu/nlp/rocstories/",
    todo: "Fill in the form there; its owners send the Spring 2016 test set as CSV. Put it into the folder as storycloze_2016.jsonl, by the script in docs/users.md (Data from the hub).",
    licence: "on request",
  },
  task("winogrande", {
    dataset: "allenai/winogrande",
    config: "winogrande_xl",
    split: "validation",
    files: "winogrande_xl/{split}-*.parquet",
    revision: "01e74176c63542e6b0bcb004dcdea22d94fb67b5",
    licence: "not stated (apache-2.0 on GitHub)",
  }),
  lambada("lambada_openai", "default", "lambada_{split}.jsonl", "lambada"),
  task("lambada_standard", {
    dataset: "cimec/lambada",
    config: "plain_text",
    split: "test",
    files: "plain_text/{split}-*.parquet",
    revision: "main",
    licence: "cc-by-4.0",
  }),
];

const xnli = ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"].map((config) =>
  task(`xnli_${config}`, {
    dataset: "facebook/xnli",
    config,
    split: "validation",
    files: `${config}/{split}-*.parquet`,
    revision: "b8dd5d7af51114dbda02c0e3f6133f332186418e",
    licence: "not stated (cc-by-nc-4.0 on GitHub)",
  }),
);

const xcopa = ["et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"].map((config) =>
  task(`xcopa_${config}`, {
    dataset: "cambridgeltl/xcopa",
    config,
    split: "test",
    files: `${config}/{split}-*.parquet`,
    revision: "042f78955ba48e6404616762fa6e05e839c3907a",
    licence: "cc-by-4.0",
  }),
);

const xstorycloze = ["ar", "en", "es", "eu", "hi", "id", "my", "ru", "sw", "te", "zh"].map((config) =>
  task(`xstorycloze_${config}`, {
    dataset: "juletxara/xstory_cloze",
    config,
    split: "eval",
    files: `${config}/{split}/*.parquet`,
    revision: CONVERTED,
    licence: "cc-by-sa-4.0",
  }),
);

const lambadaMultilingual = ["de", "en", "es", "fr", "it"].map((config) =>
  lambada(`lambada_openai_mt_${config}`, config, `lambada_{split}_${config}.jsonl`),
);

const lambadaStablelm = ["de", "en", "es", "fr", "it", "nl", "pt"].map((config) =>
  task(`lambada_openai_mt_stablelm_${config}`, {
    dataset: "EleutherAI/lambada_multilingual_stablelm",
    config,
    split: "test",
    files: `${config}/{split}/*.parquet`,
    revision: CONVERTED,
    licence: "mit",
  }),
);

/** By the name of the harness's group. */
export const multilingualTasks = {
  xnli,
  xcopa,
  xstorycloze,
  lambada_multilingual: lambadaMultilingual,
  lambada_multilingual_stablelm: lambadaStablelm,
};
