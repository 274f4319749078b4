import { z } from "zod";

const bits = z.int().min(2).max(8).default(4);
const groupSize = z
  .int()
  .refine((n) => n === -1 || n > 0, "must be a positive number of columns, or -1 for a whole row")
  .default(128);
const damping = z.number().positive();
const blockSize = z.int().positive().default(128);

/** `n:m`: n of each m columns are pruned. */
const pattern = z
  .string()
  .regex(/^[1-9]\d*:[1-9]\d*$/, 'must be "n:m", such as "2:4"')
  .refine((text) => {
    const [n, m] = text.split(":").map(Number);
    return n < m;
  }, "must prune fewer (n) than there are (m)");

const pruning = { pattern: pattern.optional(), sparsity: z.number().gt(0).lt(1).optional() };
type Pruning = { pattern?: string; sparsity?: number };
const eitherPruning = (s: Pruning) => s.pattern === undefined || s.sparsity === undefined;
const eitherMessage = "give either pattern or sparsity, not both";
const withPattern = <S extends Pruning>(s: S): S =>
  s.pattern === undefined && s.sparsity === undefined ? { ...s, pattern: "2:4" } : s;

/**
 * What becomes of a linear whose input no calibration token reaches, as of experts that nothing is routed to: it is left dense, also
 * where nothing is said, or compressed by the method's counterpart without data. Without a default: what was stored before there
 * was this setting keeps its identity.
 */
const unseen = {
  quantizing: z.enum(["dense", "rtn"]).optional(),
  pruning: z.enum(["dense", "magnitude"]).optional(),
};

/**
 * The solved weight is cast to the type that the checkpoint stores it as, before the next forward pass, as the papers' code does.
 * Without a default, as `unseen`.
 */
const weightDtype = z.literal("checkpoint").optional();

/** Settings of every method: one JSON object everywhere (specification, command line, checkpoint metadata). */
export const methodSchemas = {
  rtn: z.strictObject({
    method: z.literal("rtn"),
    bits,
    groupSize,
    symmetric: z.boolean().default(false),
    mse: z.boolean().default(false),
  }),
  gptq: z.strictObject({
    method: z.literal("gptq"),
    bits,
    groupSize,
    symmetric: z.boolean().default(false),
    actOrder: z.boolean().default(false),
    staticGroups: z.boolean().default(false),
    mse: z.boolean().default(false),
    damping: damping.default(0.01),
    blockSize,
    trueSequential: z.boolean().default(true),
    unseen: unseen.quantizing,
  }),
  spqr: z.strictObject({
    method: z.literal("spqr"),
    bits,
    groupSize: groupSize.default(16),
    statisticsBits: bits.default(3),
    statisticsGroupSize: groupSize.default(16),
    /** null: no outliers. */
    outlierThreshold: z.number().nonnegative().nullable().default(0.2),
    order: z.enum(["actOrder", "identity"]).default("actOrder"),
    damping: damping.default(1),
    simplifiedOutliers: z.boolean().default(false),
    blockSize,
    trueSequential: z.boolean().default(false),
    unseen: unseen.quantizing,
  }),
  sparsegpt: z
    .strictObject({
      method: z.literal("sparsegpt"),
      ...pruning,
      damping: damping.default(0.01),
      blockSize,
      trueSequential: z.boolean().default(false),
      unseen: unseen.pruning,
      weightDtype,
    })
    .refine(eitherPruning, eitherMessage)
    .transform(withPattern),
  wanda: z
    .strictObject({
      method: z.literal("wanda"),
      ...pruning,
      trueSequential: z.boolean().default(false),
      unseen: unseen.pruning,
      weightDtype,
    })
    .refine(eitherPruning, eitherMessage)
    .transform(withPattern),
  magnitude: z
    .strictObject({ method: z.literal("magnitude"), ...pruning, weightDtype })
    .refine(eitherPruning, eitherMessage)
    .transform(withPattern),
} as const;

export type MethodName = keyof typeof methodSchemas;
export type SettingsOf<N extends MethodName> = z.output<(typeof methodSchemas)[N]>;
export type MethodSettings = { [N in MethodName]: SettingsOf<N> }[MethodName];
export const methodNames = Object.keys(methodSchemas) as MethodName[];

/** Methods that look at no calibration data: the null controls of a study. */
export const dataFreeMethods: readonly MethodName[] = ["rtn", "magnitude"];

export const methodSettingsSchema = z.discriminatedUnion("method", [
  methodSchemas.rtn,
  methodSchemas.gptq,
  methodSchemas.spqr,
  methodSchemas.sparsegpt,
  methodSchemas.wanda,
  methodSchemas.magnitude,
]);

/**
 * A short name for each entry, unique in the list: the method, and where it stands more than once the settings in which
 * the entries differ (`gptq-bits3`). Safe in workflow ids and file names.
 */
export function methodLabels(methods: readonly MethodSettings[]): string[] {
  return methods.map((settings) => {
    const rivals = methods.filter((other) => other.method === settings.method);
    const differing = Object.entries(settings).filter(([key, value]) =>
      rivals.some((rival) => (rival as Record<string, unknown>)[key] !== value),
    );
    return [settings.method, ...differing.map(([key, value]) => `${key}${value}`)].join("-").replace(/[^\w.-]/g, "of");
  });
}
