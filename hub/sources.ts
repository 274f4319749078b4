import type { HubDataset } from "./dataset.js";

/**
 * The five sources of Williams and Aletras 2024 (arXiv 2311.09755), by their ids in `studies/`. A shard of C4, RefinedWeb or
 * Wikipedia has hundreds of thousands of documents, more than ten sets need.
 */
export const sources: readonly HubDataset[] = [
  {
    name: "c4",
    aliases: [],
    kind: "source",
    dataset: "allenai/c4",
    config: "en",
    split: "train",
    files: "en/c4-{split}.*.json.gz",
    revision: "607bd4c8450a42878aa9ddc051a65a055450ef87",
    licence: "odc-by",
    field: "text",
    shards: 1,
  },
  {
    name: "cnn-dm",
    aliases: ["cnn_dailymail"],
    kind: "source",
    dataset: "abisee/cnn_dailymail",
    config: "3.0.0",
    split: "train",
    files: "3.0.0/{split}-*.parquet",
    revision: "96df5e686bee6baa90b8bee7c28b81fa3fa6223d",
    licence: "apache-2.0",
    field: "article",
    shards: 3,
  },
  {
    // The whole of RedPajama-Data-1T isn't on the hub, which has a list of addresses for it only. This is its authors' sample
    // of all its parts, one file a part: fewer files would be another source.
    name: "redpajama",
    aliases: [],
    kind: "source",
    dataset: "togethercomputer/RedPajama-Data-1T-Sample",
    config: "plain_text",
    split: "train",
    files: "*_sample.jsonl",
    revision: "main",
    licence: "each part's own",
    field: "text",
    shards: 11,
  },
  {
    name: "refinedweb",
    aliases: [],
    kind: "source",
    dataset: "tiiuae/falcon-refinedweb",
    config: "default",
    split: "train",
    files: "data/{split}-*.parquet",
    revision: "c735840575b629292b41da8dde11dcd523d4f91c",
    licence: "odc-by",
    field: "content",
    shards: 1,
  },
  {
    name: "wikipedia",
    aliases: [],
    kind: "source",
    dataset: "legacy-datasets/wikipedia",
    config: "20220301.en",
    split: "train",
    files: "data/20220301.en/{split}-*.parquet",
    revision: "97a0b052c326b45fb68593a14972d9eed884cd17",
    licence: "cc-by-sa-3.0, gfdl",
    field: "text",
    shards: 1,
  },
];

export const texts: readonly HubDataset[] = [
  {
    name: "wikitext2",
    aliases: ["wikitext-2"],
    kind: "text",
    dataset: "Salesforce/wikitext",
    config: "wikitext-2-raw-v1",
    split: "test",
    files: "wikitext-2-raw-v1/{split}-*.parquet",
    revision: "b08601e04326c79dfdd32d625aee71d232d685c3",
    licence: "cc-by-sa-3.0, gfdl",
    field: "text",
  },
];
