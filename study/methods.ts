import { z } from "zod";

const bits = z.int().min(2).max(8).default(4);
const groupSize = z
  .int()
  .refine((n) => n === -1 || n > 0, "a positive number of columns, or -1 for a whole row")
  .default(128);
const damping = z.number().positive().finite();
const blockSize = z.int().positive().default(128);
const trueSequential = (standard: boolean) => z.boolean().default(standard);

/** `n:m`: n of each m columns are pruned. */
const pattern = z
  .string()
  .regex(/^[1-9]\d*:[1-9]\d*$/, 'a pattern "n:m", such as "2:4"')
  .refine((text) => {
    const [n, m] = text.split(":").map(Number);
    return n < m;
  }, "in n:m, n (pruned) must be less than m");
const sparsity = z.number().gt(0).lt(1);

const pruner = <N extends string>(method: N) =>
  z
    .strictObject({
      method: z.literal(method),
      pattern: pattern.optional(),
      sparsity: sparsity.optional(),
      trueSequential: trueSequential(false),
    })
    .refine((s) => s.pattern === undefined || s.sparsity === undefined, "give either pattern or sparsity, not both")
    .transform((s) => (s.pattern === undefined && s.sparsity === undefined ? { ...s, pattern: "2:4" } : s));

/** Settings of every method: one JSON object everywhere (specification, command line, checkpoint metadata). */
export const methodSchemas = {
  rtn: z.strictObject({
    method: z.literal("rtn"),
    bits,
    groupSize,
    symmetric: z.boolean().default(false),
    mse: z.boolean().default(false),
    trueSequential: trueSequential(false),
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
    trueSequential: trueSequential(true),
  }),
  wanda: pruner("wanda"),
  magnitude: pruner("magnitude"),
} as const;

export type MethodName = keyof typeof methodSchemas;
export type SettingsOf<N extends MethodName> = z.output<(typeof methodSchemas)[N]>;
export type MethodSettings = { [N in MethodName]: SettingsOf<N> }[MethodName];
export const methodNames = Object.keys(methodSchemas) as MethodName[];
