import type { Model } from "../models/model.js";
import type { MethodSettings } from "../study/methods.js";
import { methodOf } from "./registry.js";

/** A linear inside a block. */
export interface BlockLinear {
  /** Name inside the block. */
  name: string;
  /** Full checkpoint name. */
  tensor: string;
  /** Output channels. */
  rows: number;
  /** Inputs. */
  columns: number;
}

type Form = Pick<Model, "architecture" | "config">;

/** The linears of a block by stage, in data-flow order, those that share an input together. */
export function blockStages({ architecture, config }: Form, index: number): BlockLinear[][][] {
  const shapes = architecture.blockShapes(config, index);
  const linear = (name: string): BlockLinear => {
    const [rows, columns] = shapes.get(name)!;
    return { name, tensor: architecture.blockWeightName(config, index, name), rows, columns };
  };
  return architecture.stages(config, index, 1).map(({ groups }) => groups.map(({ linears }) => linears.map(linear)));
}

/** The linears of a block, those that share an input together, in data-flow order. */
export function blockLinears(form: Form, index: number): BlockLinear[][] {
  return blockStages(form, index).flat();
}

/**
 * Modules of a block that have a matrix and are none of its linears, by their full names: what routes tokens to experts, and biases
 * by distance. They are left as they are, as llm-compressor's recipes and GPTQ's checkpoints of such models leave them: they are
 * small, and an error there sends tokens elsewhere.
 */
export function keptModules(form: Form, index: number): string[] {
  const { architecture, config } = form;
  const linears = new Set(blockLinears(form, index).flatMap((group) => group.map(({ name }) => name)));
  return Array.from(architecture.blockShapes(config, index))
    .filter(([name, shape]) => shape.length === 2 && !linears.has(name))
    .map(([name]) => architecture.blockWeightName(config, index, name).replace(/\.weight$/, ""));
}

/**
 * Whether a method's settings fit all linears of a model, before anything is computed.
 * @throws TouchstoneError InvalidSettings naming the linear
 */
export function checkModelSettings(model: Model, settings: MethodSettings): void {
  const method = methodOf(settings.method);
  for (let index = 0; index < model.config.blocks; index++) {
    for (const { tensor, rows, columns } of blockLinears(model, index).flat()) {
      method.checkSettings({ name: tensor, rows, columns }, settings);
    }
  }
}
