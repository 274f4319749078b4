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

/** The linears of a block, those that share an input together, in data-flow order. */
export function blockLinears({ architecture, config }: Model, index: number): BlockLinear[][] {
  const shapes = architecture.blockShapes(config);
  return architecture.stages(config, index, 1).map(({ linears }) =>
    linears.map((name) => {
      const [rows, columns] = shapes.get(name)!;
      return { name, tensor: architecture.blockWeightName(index, name), rows, columns };
    }),
  );
}

/**
 * Whether a method's settings fit all linears of a model, before anything is computed.
 * @throws TouchstoneError InvalidSettings naming the linear
 */
export function checkModelSettings(model: Model, settings: MethodSettings): void {
  const method = methodOf(settings.method);
  for (const { tensor, rows, columns } of blockLinears(model, 0).flat()) {
    method.checkSettings({ name: tensor, rows, columns }, settings);
  }
}
