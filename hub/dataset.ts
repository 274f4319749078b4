import { recordFiles } from "../evaluation/records.js";
/** A data set on the Hugging Face hub, and what becomes of its files. */
export interface HubDataset {
  /** Of a task: its name in the harness's results; of a source: its id in `studies/`. */
  name: string;
  /** Shorter names that are accepted for it. */
  aliases: readonly string[];
  /**
   * What is read from it: records of a task (`<name>.parquet` or `.jsonl`), documents of a source (the hub's own files, in a
   * folder of its name), or one text (`<name>.txt`: the rows joined by two newlines, as compression papers take WikiText).
   */
  kind: "task" | "source" | "text";
  /** Its id on the hub. */
  dataset: string;
  config: string;
  split: string;
  /** Glob of a split's files in the repository, `{split}` its name; in the order of their names they are the split. */
  files: string;
  /** A commit; or a branch, whose commit is looked up and pinned when it is fetched first. */
  revision: string;
  /** As the data set's card states it. */
  licence: string;
  /** The field that holds the text: of sources and texts. */
  field?: string;
  /** Of a source: files that are taken unless the caller says how many. Others are always taken whole. */
  shards?: number;
}

/** A data set that may not be passed on: its owners give it to those who ask. */
export interface ManualDataset {
  name: string;
  aliases: readonly string[];
  kind: "task";
  /** Where it is asked for. */
  page: string;
  /** What to do with what they send, so that evaluation reads it. */
  todo: string;
  licence: string;
}

export type KnownDataset = HubDataset | ManualDataset;

/** Another split of the same data set, under a name of its own: `arc_easy.train`, as evaluation looks for it. */
export function ofSplit(dataset: HubDataset, split: string): HubDataset {
  if (split === dataset.split) return dataset;
  const named = (name: string) => `${name}.${split}`;
  return { ...dataset, name: named(dataset.name), aliases: dataset.aliases.map(named), split };
}

/** Glob of the split's files in the repository. */
export function splitFiles({ files, split }: HubDataset): string {
  return files.replaceAll("{split}", split);
}

/** The files in which evaluation looks for a task's records. */
export function recordFilesOf({ name, aliases }: KnownDataset): string[] {
  return recordFiles([name, ...aliases]);
}

export function isManual(dataset: KnownDataset): dataset is ManualDataset {
  return "page" in dataset;
}
