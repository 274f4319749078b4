import type { MethodName, MethodSettings } from "../study/methods.js";
import { gptq } from "./gptq.js";
import { magnitude } from "./magnitude.js";
import type { Method } from "./method.js";
import { rtn } from "./rtn.js";
import { sparsegpt } from "./sparsegpt.js";
import { spqr } from "./spqr.js";
import { wanda } from "./wanda.js";

/** Every method: one file and one line. */
const methods: Readonly<Record<MethodName, Method>> = { rtn, gptq, spqr, sparsegpt, wanda, magnitude };

export function methodOf(name: MethodName): Method {
  return methods[name];
}

/** Whether each of a block's stages is compressed before the next is reached; methods without data have no such order. */
export function isTrueSequential(settings: MethodSettings): boolean {
  return "trueSequential" in settings && settings.trueSequential;
}
