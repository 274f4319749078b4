import { z } from "zod";
import { TouchstoneError } from "../../study/errors.js";
import type { GptqVersion } from "./gptq.js";

/** How the linears of a checkpoint are stored, by its `quantization_config`. */
export type Quantization =
  | { method: "gptq"; bits: number; symmetric: boolean; version: GptqVersion; groupSize: number }
  | { method: "compressed-tensors"; bits: number; symmetric: boolean; groupSize: number };

const methodSchema = z
  .object({ quant_method: z.string().default("gptq") })
  .transform(({ quant_method }) => ({ method: quant_method }));

const bits = z.int().min(2).max(8);
const groupSize = z.union([z.literal(-1), z.int().positive()]);

const gptqSchema = z.object({
  bits,
  group_size: groupSize.default(-1),
  sym: z.boolean().default(true),
  checkpoint_format: z.enum(["gptq", "gptq_v2"]).default("gptq"),
  pack_dtype: z.literal("int32").default("int32"),
  /** Other settings for some of the linears. */
  dynamic: z.record(z.string(), z.never()).nullish(),
});

const schemeSchema = z.object({
  weights: z.object({
    num_bits: bits,
    type: z.literal("int").default("int"),
    symmetric: z.boolean().default(true),
    strategy: z.enum(["group", "channel"]),
    group_size: groupSize.nullish(),
    dynamic: z.literal(false).default(false),
  }),
  input_activations: z.null().optional(),
  output_activations: z.null().optional(),
  format: z.literal("pack-quantized").nullish(),
});

const compressedTensorsSchema = z.object({
  format: z.literal("pack-quantized"),
  config_groups: z.record(z.string(), schemeSchema),
  kv_cache_scheme: z.null().optional(),
  sparsity_config: z.object({ format: z.literal("dense").optional() }).nullish(),
  transform_config: z.record(z.string(), z.never()).nullish(),
});

/**
 * @param json `quantization_config`, or what older GPTQ folders have in `quantize_config.json`
 * @throws TouchstoneError UnsupportedArchitecture for other methods and for variants that aren't read
 */
export function parseQuantization(json: unknown, where: string): Quantization {
  const { method } = parse(methodSchema, json, "quantization", where);
  if (method === "gptq") {
    const config = parse(gptqSchema, json, method, where);
    return {
      method,
      bits: config.bits,
      symmetric: config.sym,
      version: config.checkpoint_format,
      groupSize: config.group_size,
    };
  }
  if (method === "compressed-tensors") {
    const { config_groups } = parse(compressedTensorsSchema, json, method, where);
    const schemes = Object.values(config_groups).map(({ weights }) => ({
      bits: weights.num_bits,
      symmetric: weights.symmetric,
      groupSize: weights.strategy === "channel" ? -1 : (weights.group_size ?? -1),
    }));
    const [first] = schemes;
    const same = schemes.every((scheme) => JSON.stringify(scheme) === JSON.stringify(first));
    if (first !== undefined && same) return { method, ...first };
    throw unsupported(`Its ${schemes.length} groups of linears are quantized differently`, where);
  }
  throw unsupported(`Quantization ${JSON.stringify(method)} is not read`, where);
}

function parse<T extends z.ZodType>(schema: T, json: unknown, method: string, where: string): z.output<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw unsupported(`This ${method} variant is not read: ${path.join(".")}: ${message}`, where);
}

function unsupported(what: string, where: string): TouchstoneError {
  return new TouchstoneError("UnsupportedArchitecture", {
    what,
    where,
    todo: "GPTQ checkpoints (v1, v2) and compressed-tensors' pack-quantized are, with one setting for all linears; else take the model that it was made from.",
  });
}
