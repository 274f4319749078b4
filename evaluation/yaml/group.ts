import { z } from "zod";
import { parseOrThrow } from "../../study/parse.js";
import type { Group } from "../group.js";
import type { Config } from "./read.js";

const metric = z.strictObject({
  metric: z.string().min(1),
  aggregation: z.literal("mean", "must be mean").default("mean"),
  weight_by_size: z.boolean().default(true),
  filter_list: z
    .union([z.literal("none"), z.tuple([z.literal("none")])], "must be none: answers are not filtered here")
    .optional(),
});

const member = z.union(
  [z.string().min(1), z.looseObject({})],
  "must be the name, path or definition of a task or group",
);

/** One item may stand for a list of it. */
function listOf<T extends z.ZodType>(item: T) {
  const asList = (value: unknown) => (value === undefined || value === null || Array.isArray(value) ? value : [value]);
  return z.preprocess(asList, z.array(item).nonempty("is empty").nullish());
}

const groupSchema = z.strictObject({
  group: z.string().regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores only"),
  group_alias: z.string().nullish(),
  task: listOf(member),
  aggregate_metric_list: listOf(metric),
  metadata: z.looseObject({ version: z.union([z.number(), z.string()]).default(1) }).prefault({}),
  tag: z.unknown().optional(),
});

/** A group as its file has it: members are names, paths, or definitions of their own. */
export interface GroupFile extends Omit<Group, "tasks"> {
  members: readonly (string | Config)[];
}

/** @throws TouchstoneError InvalidTask naming the key that is wrong */
export function parseGroup(config: Config, where: string): GroupFile {
  const parsed = parseOrThrow(groupSchema, config, "InvalidTask", where);
  return {
    name: parsed.group,
    ...(parsed.group_alias == null ? {} : { alias: parsed.group_alias }),
    version: parsed.metadata.version,
    members: parsed.task ?? [],
    metrics: (parsed.aggregate_metric_list ?? []).map(({ metric, weight_by_size }) => ({
      metric,
      weightBySize: weight_by_size,
    })),
  };
}

export function isGroup(config: Config): boolean {
  return config.group !== undefined;
}
