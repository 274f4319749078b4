import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import * as tf from "@tensorflow/tfjs-core";
import { TouchstoneError } from "../study/errors.js";
import { fusedOps } from "./fused-ops.js";
import { nativeBackend } from "./native.js";

export type BackendKind = "native-cpu" | "native-gpu" | "wasm";

export interface BackendInfo {
  kind: BackendKind;
  /** Named in every identity: results of different backends agree to rounding, not bit for bit. */
  version: string;
  /** Threads of one operation: they decide the order of additions, so they are part of every identity too. */
  threads: number;
}

let loaded: Promise<BackendInfo> | undefined;

/**
 * Loads TensorFlow once a process: the native library where `touchstone doctor` finds it built, else WebAssembly.
 * @throws TouchstoneError SetupIncomplete where the library is another version's
 */
export function loadBackend(): Promise<BackendInfo> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<BackendInfo> {
  // oneDNN may change the order of additions between machines; without it results repeat, at the same speed.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= "0";
  // A GPU's products in TF32 round what they multiply to ten bits: the solver's results would not be the CPU's within rounding.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  // It would take all of a GPU's memory at once, and leave none to another process.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // TensorFlow's own allocator uses again what its tensors gave back. glibc's aligned blocks don't fit into holes of their own size:
  // where something small stays behind each of them, the logits of an evaluation took a gigabyte that was free.
  process.env.TF_CPU_ALLOCATOR_USE_BFC ??= "1";
  // 64 GiB where nothing is said: the limit is for the machine to set.
  process.env.TF_CPU_BFC_MEM_LIMIT_IN_MB ??= String(2 ** 24);
  process.env.TF_NUM_INTRAOP_THREADS ??= String(availableParallelism());
  // V8 counts what typed arrays hold as heap, and would mark all objects again for each hundred megabytes of weights that pass:
  // a fifth of a process's time. Its heap may become three times what it was; the least that it does by itself is a tenth more.
  setFlagsFromString("--heap-growing-percent=200");
  return (await loadNative()) ?? (await loadWebAssembly());
}

/** The package prints an advertisement on load where the library is slow to build; only its absence is of interest here. */
async function loadNative(): Promise<BackendInfo | undefined> {
  if (process.env.TOUCHSTONE_BACKEND === "wasm") return undefined;
  const require = createRequire(import.meta.url);
  try {
    require("@tensorflow/tfjs-node-gpu");
  } catch {
    return undefined;
  }
  await tf.setBackend("tensorflow");
  await tf.ready();
  const native = nativeBackend();
  if (native === undefined) return undefined;
  checkOperations();
  const { isUsingGpuDevice, binding } = native;
  const kind = isUsingGpuDevice ? "native-gpu" : "native-cpu";
  return { kind, version: `${kind}-${binding.TF_Version}`, threads: Number(process.env.TF_NUM_INTRAOP_THREADS) };
}

/** @throws TouchstoneError SetupIncomplete where the library was built before this version's operations */
function checkOperations(): void {
  try {
    tf.tidy(() => {
      const none = tf.tensor1d([], "int32");
      fusedOps()?.logSoftmax(tf.zeros([1, 16]), none, none);
    });
  } catch (cause) {
    const what = "The native TensorFlow was built for another version of Touchstone";
    throw new TouchstoneError("SetupIncomplete", { what, todo: "Run `npm run setup`." }, { cause });
  }
}

async function loadWebAssembly(): Promise<BackendInfo> {
  await import("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
  await tf.ready();
  return { kind: "wasm", version: `wasm-${tf.version_core}`, threads: 1 };
}
