import { z } from "zod";
import { ACTIVATION_DTYPES } from "./activation-dtype.js";
import { MOST_CELLS_AT_A_TIME } from "./controls.js";
import { TouchstoneError } from "./errors.js";
import { MEMORY_MESSAGE, MEMORY_PATTERN } from "./memory.js";
import { methodSettingsSchema } from "./methods.js";
import { parseOrThrow } from "./parse.js";
import { searchSchema } from "./search-setting.js";
import { secretPlace } from "./secrets.js";
import { studySourceSchema } from "./source.js";
import { checkStopping, stoppingSchema } from "./stopping.js";

/** Ids stand in workflow ids, file names and tables. */
const id = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[\w.-]+$/, "may have letters, digits, dots, dashes and underscores only")
  .regex(/[^.]/, "may not be of dots alone");
const path = z.string().min(1);
const count = z.int().positive();

const modelSchema = z.strictObject({
  id,
  path,
  /** The model of the study that this one was made from by further training, such as instruction tuning: the report compares them. */
  base: id.optional(),
});

const calibrationSchema = z.strictObject({
  /** Sequences a set; smaller sets are the beginnings of larger ones. */
  sizes: z.array(count).nonempty().default([128]),
  /** Tokens a sequence. */
  length: z.int().min(2).default(2048),
  /** Disjoint sets a source. */
  sets: count.default(10),
  seed: z.int().nonnegative().default(0),
  pack: z.boolean().default(false),
  bos: z.enum(["document", "window"]).default("document"),
  /** How hidden states rest between blocks and are stored; left out: float32. The others are rounded, and take half as much. */
  activationDtype: z.enum(ACTIVATION_DTYPES).optional(),
  /** Let sets share documents where a source has too few. */
  reuse: z.boolean().default(false),
  /** Cells a method with one calibration set and jittered weights: the numerical noise floor. */
  noiseReplicates: z.int().nonnegative().default(0),
});

/** Tokens a window of a text, as the compression papers have it. */
export const TEXT_WINDOW = 2048;

const perplexitySchema = z
  .strictObject({
    id,
    /** A text, or windows of token ids (JSON, `input_ids`). */
    path,
    /** Tokens a window; token ids bring windows of their own. */
    length: z.int().min(2).optional(),
    /** `rolling`: word and byte perplexity, every token of every document once; windows as long as the model allows. */
    windows: z.literal("rolling").optional(),
    /** Windows (of rolling ones: documents) at most; null: all. */
    limit: count.nullable().default(null),
  })
  // What a JSON file holds is known when it is read.
  .transform((text) =>
    text.windows === "rolling" || /\.json$/i.test(text.path) ? text : { ...text, length: text.length ?? TEXT_WINDOW },
  );

const evaluationSchema = z.strictObject({
  /** Names of tasks and groups, or paths of YAML files that define them. */
  tasks: z.array(z.string().min(1)).default([]),
  /** What those files hold, by the task's name: workers need not have the files. */
  definitions: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  /** Solved examples before each question; left out: as many as the task has. */
  numFewshot: z.int().nonnegative().optional(),
  /** Folder (or s3:// address) with `<task>.jsonl`, `.parquet` or `.arrow`. */
  data: path.optional(),
  /** Records a task; null: all. */
  limit: count.nullable().default(null),
  /**
   * Of these, only so many of each task: those of which the dense models and their pilots (`pilotOf`) are least certain, by their
   * evaluations in the store; left out: all.
   */
  leastCertain: count.optional(),
  tableMetric: z.enum(["acc", "accNorm"]).default("acc"),
  addBos: z.union([z.literal("auto"), z.boolean()]).default("auto"),
  /** Another one perturbs the inputs of perturbed tasks otherwise; left out: 0. */
  noiseSeed: z.int().nonnegative().optional(),
  perplexity: z.array(perplexitySchema).default([]),
  /** What an evaluation may take, of which no result depends; auto: a share of the machine's. */
  memory: z.string(MEMORY_MESSAGE).regex(MEMORY_PATTERN, MEMORY_MESSAGE).default("auto"),
});

const activationsMessage = 'must be auto, none, or "every N blocks"';
/** How often activations are kept. */
const activationsSchema = z
  .string(activationsMessage)
  .regex(/^(auto|none|every [1-9]\d*( blocks?)?)$/, activationsMessage)
  .default("auto");

const checkpointsSchema = z.strictObject({
  bucket: z.string().min(3).optional(),
  /** Of the keys: nothing of a study lies outside it. */
  prefix: z
    .string()
    .regex(/^(?!\/)(?!(.*\/)?\.\.?(\/|$))/, "may not begin with / nor have . or .. as a part")
    .default(""),
  activations: activationsSchema,
});

const concurrencySchema = z.strictObject({
  cells: z.int().min(1).max(MOST_CELLS_AT_A_TIME).default(4),
  /** Against other studies: 1 comes first, 5 last. */
  priority: z.int().min(1).max(5).default(3),
});

/** A study: what a person writes in YAML or JSON. Unknown keys are errors. */
export const studySpecSchema = z
  .strictObject({
    name: id,
    models: z.array(modelSchema).nonempty(),
    sources: z.array(studySourceSchema).nonempty(),
    methods: z.array(methodSettingsSchema).nonempty(),
    calibration: calibrationSchema.prefault({}),
    evaluation: evaluationSchema.prefault({}),
    /** Add sets of a source only until the interval of its mean is as narrow as this; left out: all sets. */
    stopping: stoppingSchema.optional(),
    /** Look for the best calibration set by successive halving: for `touchstone study search`. */
    search: searchSchema.optional(),
    checkpoints: checkpointsSchema.prefault({}),
    /** Which workers compute it; left out or auto: those with the device of the worker that plans it. */
    device: z.enum(["auto", "cpu", "gpu"]).optional(),
    concurrency: concurrencySchema.prefault({}),
  })
  .superRefine((spec, context) => {
    for (const key of ["models", "sources"] as const)
      reportRepeated(
        spec[key].map((item) => item.id),
        key,
        context,
      );
    reportForeignBases(spec.models, context);
    reportRepeated(
      spec.evaluation.perplexity.map((item) => item.id),
      "evaluation.perplexity",
      context,
    );
    reportRepeated(spec.evaluation.tasks, "evaluation.tasks", context);
    reportRepeated(spec.calibration.sizes.map(String), "calibration.sizes", context);
    reportRepeated(
      spec.methods.map((settings) => JSON.stringify(Object.fromEntries(Object.entries(settings).sort()))),
      "methods",
      context,
    );
    if (spec.evaluation.tasks.length + spec.evaluation.perplexity.length === 0) {
      context.addIssue({
        code: "custom",
        path: ["evaluation"],
        message: "names no task and no perplexity text: nothing would be measured",
      });
    }
    if (spec.evaluation.tasks.length > 0 && spec.evaluation.data === undefined) {
      context.addIssue({
        code: "custom",
        path: ["evaluation", "data"],
        message: "is missing: the folder with the tasks' records",
      });
    }
    checkStopping(spec, context);
  });

export type StudySpec = z.output<typeof studySpecSchema>;
export type StudySpecInput = z.input<typeof studySpecSchema>;

/**
 * @throws TouchstoneError InvalidStudySpec (or UnknownMethod) naming each key that is wrong and the nearest valid one, or that
 *   holds a credential: histories, the store and reports have the whole specification
 */
export function parseStudySpec(input: unknown): StudySpec {
  const place = secretPlace(input);
  if (place !== undefined) {
    throw new TouchstoneError("InvalidStudySpec", {
      what: `${place} holds a credential`,
      where: "the study specification",
      todo: "Leave it out: every machine takes credentials from its own environment (docs/operators.md, Security).",
    });
  }
  return parseOrThrow(studySpecSchema, input, "InvalidStudySpec", "the study specification");
}

/** What makes a study: all but how many cells run at a time, how much memory they take, and which models are compared: all that may change. */
export function lastingSpec({ concurrency: _, ...rest }: StudySpec): unknown {
  const { memory: __, ...evaluation } = rest.evaluation;
  return { ...rest, models: computedModels(rest), evaluation };
}

/** Records of each task that are scored, at most. */
export function recordsATask({ limit, leastCertain }: StudySpec["evaluation"]): number | null {
  if (leastCertain === undefined) return limit;
  return limit === null ? leastCertain : Math.min(limit, leastCertain);
}

/** The models as results depend on them. */
export function computedModels({ models }: Pick<StudySpec, "models">): { id: string; path: string }[] {
  return models.map(({ base: _, ...model }) => model);
}

/** Blocks between kept activations; Infinity: none are kept; `auto`: as `keepingInterval` has it. */
export function activationInterval({ checkpoints: { activations } }: StudySpec): number | "auto" {
  if (activations === "auto") return activations;
  return activations === "none" ? Number.POSITIVE_INFINITY : Number(activations.split(" ")[1]);
}

function reportRepeated(ids: readonly string[], key: string, context: z.RefinementCtx): void {
  const repeated = ids.find((value, i) => ids.indexOf(value) < i);
  if (repeated === undefined) return;
  context.addIssue({ code: "custom", path: key.split("."), message: `has ${repeated} twice` });
}

function reportForeignBases(models: readonly { id: string; base?: string }[], context: z.RefinementCtx): void {
  models.forEach(({ id, base }, i) => {
    if (base === undefined || (base !== id && models.some((model) => model.id === base))) return;
    context.addIssue({
      code: "custom",
      path: ["models", i, "base"],
      message: "must be the id of another model of the study",
    });
  });
}
