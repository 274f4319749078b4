import { z } from "zod";
import { TouchstoneError } from "../../study/errors.js";
import { nearest, parseOrThrow } from "../../study/parse.js";
import type { Config } from "./read.js";

const split = z.string().min(1).nullish();
const template = z.union([z.string(), z.int()], "must be a template, a field's name or a whole number");

const metric = z.strictObject({
  metric: z.enum(["acc", "acc_norm", "perplexity"], "must be acc, acc_norm or perplexity"),
  aggregation: z.enum(["mean", "perplexity"], "must be mean, or perplexity for perplexity").optional(),
  higher_is_better: z.boolean().optional(),
  /** Of groups; some tasks' files have it, too, and nothing reads it there. */
  weight_by_size: z.boolean().optional(),
});

/** The keys of lm-evaluation-harness's task files that decide what is asked and measured. */
const taskSchema = z.object({
  task: z.string().regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores only"),
  output_type: z.enum(["multiple_choice", "loglikelihood"], "must be multiple_choice or loglikelihood"),
  training_split: split,
  validation_split: split,
  test_split: split,
  fewshot_split: split,
  description: z.string().default(""),
  doc_to_text: template,
  doc_to_target: template,
  doc_to_choice: z
    .union(
      [z.string(), z.array(z.string()).nonempty(), z.record(z.string(), z.string())],
      "must be a template, a field's name, or texts: a list that is not empty, or a mapping",
    )
    .nullish(),
  target_delimiter: z.string().default(" "),
  fewshot_delimiter: z.string().default("\n\n"),
  num_fewshot: z.int().nonnegative().nullish(),
  fewshot_config: z
    .strictObject({
      sampler: z.enum(["default", "first_n"]).default("default"),
      split,
      samples: z.array(z.record(z.string(), z.unknown())).nonempty().optional(),
    })
    .nullish(),
  metric_list: z.array(metric).nonempty().nullish(),
  repeats: z.literal(1).optional(),
  metadata: z.looseObject({ version: z.union([z.number(), z.string()]).default(1) }).prefault({}),
});

export type TaskConfig = z.output<typeof taskSchema>;

/** Where the records are from, and what only other parts of the harness read. */
const PROVENANCE = [
  ...["task_alias", "tag", "dataset_path", "dataset_name", "dataset_kwargs"],
  ...["should_decontaminate", "doc_to_decontamination_query"],
];

/** Keys that would change the figures, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  process_docs: "Bring the records into shape before, in a file of their own.",
  process_results: "Only acc, acc_norm and perplexity are measured.",
  filter_list: "Answers are not generated here, so there is nothing to filter.",
  generation_kwargs: "Answers are not generated here: use multiple_choice or loglikelihood.",
  use_prompt: "Write the prompt as a template.",
  custom_dataset: "Write the records in a file.",
  gen_prefix: "Write it at the end of doc_to_text.",
  doc_to_image: "Models read texts only.",
  doc_to_audio: "Models read texts only.",
  unsafe_code: "No code of tasks is run here.",
  class: "Tasks written in Python can't be read: write it as a template.",
};

/** @throws TouchstoneError InvalidTask naming each key that is wrong, missing or not supported, and what can be done */
export function parseTaskConfig(config: Config, where: string): TaskConfig {
  const known = [...Object.keys(taskSchema.shape), ...PROVENANCE];
  for (const [key, value] of Object.entries(config)) {
    if (value === null || known.includes(key)) continue;
    const [what, todo] = Object.hasOwn(REFUSED, key)
      ? [`${key}: is not supported`, REFUSED[key]]
      : [`${key}: unknown key${nearest(key, known)}`, "Correct it, or leave it out."];
    throw new TouchstoneError("InvalidTask", { what, where, todo });
  }
  return parseOrThrow(taskSchema, config, "InvalidTask", where);
}
