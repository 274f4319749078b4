import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, statfs, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { checkoutFolder, homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { command, tryCommand } from "./commands.js";
import { withLock } from "./lock.js";
import { isUnpacked, replaceFolder, type Unpacked, unpackedPackage } from "./packages.js";
import type { Progress } from "./progress.js";

/** What tensor work will run on after the set-up. */
export type TensorSetup = { backend: "native"; folder: string } | { backend: "wasm"; reason: string };

const TENSORFLOW_VERSION = "2.21.0";
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const BINDING = "tfjs_binding.node";
/** While a wheel lies beside what is unpacked of it; CUDA kernels are large. */
const UNPACKED_BYTES = { "tensorflow-cpu": 1.5e9, tensorflow: 4e9 } as const;
type Wheel = keyof typeof UNPACKED_BYTES;

const modules = join(checkoutFolder, "node_modules");
const bindingPackage = join(modules, "@tensorflow", "tfjs-node-gpu");
const bindingSources = join(bindingPackage, "binding");
/** Operations of our own, which become part of the binding. */
const ownOperations = join(checkoutFolder, "tensor", "fused-ops.cc");
const installedBinding = join(bindingPackage, "lib", "napi-v8", "tfjs_binding.node");

/**
 * Builds the N-API binding of `@tensorflow/tfjs-node-gpu`, and our own operations, against TensorFlow's own release and links
 * it into the package.
 * The package's prebuilt library is older and often can't be fetched. Of a home, the release is fetched once, and the binding
 * built once for its sources; a later `npm ci` only costs a new link.
 * Without a C++ compiler (or where TensorFlow has no such release) the WebAssembly backend remains.
 * @throws TouchstoneError SetupIncomplete when fetching, compiling or loading fails; DiskFull
 */
export async function installNativeTensorFlow(progress: Progress): Promise<TensorSetup> {
  if (process.env.TOUCHSTONE_BACKEND === "wasm")
    return { backend: "wasm", reason: "TOUCHSTONE_BACKEND=wasm asks for it" };
  if (process.platform !== "linux")
    return { backend: "wasm", reason: `TensorFlow's libraries are not fetched on ${process.platform}` };
  const wheel = await wheelName();
  const wanted = release(wheel);
  const folder = homePath(wanted.folder, "bindings", await bindingDigest());
  const isBuilt = () =>
    lstat(join(folder, BINDING)).then(
      () => true,
      () => false,
    );
  if (!(await isBuilt())) {
    if ((await compilerVersion()) === undefined)
      return { backend: "wasm", reason: `there is no C++ compiler (${compiler().join(" ")})` };
    if (!(await isUnpacked(wanted))) await checkSpace(UNPACKED_BYTES[wheel]);
    const tensorflow = join(await unpackedPackage(wanted, progress), "tensorflow");
    await withLock("native", async () => {
      if (await isBuilt()) return;
      const compiling = () => replaceFolder(folder, (aside) => compile(tensorflow, aside));
      await progress.step("compiling its binding to Node", compiling, { usualSeconds: 20 });
    });
  }
  if (await link(join(folder, BINDING))) await verify(progress);
  return { backend: "native", folder };
}

/** `CXX`, which may carry arguments of its own (`ccache g++`), or `g++`. */
export function compiler(): string[] {
  return (process.env.CXX || "g++").trim().split(/\s+/);
}

/** The compiler's first line about itself; undefined when there is none. */
export async function compilerVersion(): Promise<string | undefined> {
  const [program, ...args] = compiler();
  const answer = await tryCommand(program, [...args, "--version"]);
  return answer?.code === 0 ? answer.stdout.split("\n")[0] : undefined;
}

/** What a fresh process says after loading TensorFlow: the backend, and the product of a small matrix with itself. */
export async function probeTensorFlow(): Promise<{ ok: boolean; said: string }> {
  const backend = join(checkoutFolder, "dist", "tensor", "backend.js");
  const script = `
    const { loadBackend } = await import(${JSON.stringify(backend)});
    const { kind, version } = await loadBackend();
    const tf = await import("@tensorflow/tfjs-core");
    const m = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const values = await tf.matMul(m, m).data();
    console.log(JSON.stringify({ kind, version, product: [...values] }));`;
  const answer = await tryCommand(process.execPath, ["--input-type=module", "--eval", script], { cwd: checkoutFolder });
  const said = answer?.stdout.trim().split("\n").at(-1) ?? "";
  const ok = answer?.code === 0 && said.includes('"product":[7,10,15,22]');
  return { ok, said: ok ? said : `${answer?.stderr.trim().split("\n").at(-1)}` };
}

/** Whether TensorFlow computes on a GPU here. */
export async function usesGpu(): Promise<boolean> {
  return (await probeTensorFlow()).said.includes('"native-gpu"');
}

/** The one that `TOUCHSTONE_TENSORFLOW` names, else that with CUDA kernels where there is a GPU for them. */
async function wheelName(): Promise<Wheel> {
  const asked = process.env.TOUCHSTONE_TENSORFLOW;
  if (asked === "tensorflow" || asked === "tensorflow-cpu") return asked;
  if (asked)
    throw new TouchstoneError("SetupIncomplete", {
      what: `There is no release "${asked}" of TensorFlow`,
      where: "TOUCHSTONE_TENSORFLOW",
      todo: 'Give "tensorflow" (with CUDA kernels) or "tensorflow-cpu", or nothing.',
    });
  const gpus = await tryCommand("nvidia-smi", ["--list-gpus"]);
  return gpus?.code === 0 && gpus.stdout.includes("GPU ") ? "tensorflow" : "tensorflow-cpu";
}

/** Of all that the built binding depends on besides the release of TensorFlow. Node-API is the same for every Node. */
async function bindingDigest(): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  const sources = (await readdir(bindingSources)).sort().map((name) => join(bindingSources, name));
  for (const file of [...sources, ownOperations]) hash.update(basename(file)).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}

function release(wheel: Wheel): Unpacked {
  const members = ["tensorflow/include/*", ...LIBRARIES.map((name) => `tensorflow/${name}`)];
  const folder = join("native", `${wheel}-${TENSORFLOW_VERSION}`);
  return { registry: "pypi", name: wheel, version: TENSORFLOW_VERSION, folder, members };
}

async function checkSpace(needed: number): Promise<void> {
  await mkdir(homePath("native"), { recursive: true });
  const { bavail, bsize } = await statfs(homePath("native"));
  if (bavail * bsize >= needed) return;
  throw new TouchstoneError("DiskFull", {
    what: `TensorFlow needs ${needed / 1e9} GB while it is unpacked; ${((bavail * bsize) / 1e9).toFixed(1)} GB are free`,
    where: homePath(),
    todo: "Free some space, or set TOUCHSTONE_HOME to a folder on another disk.",
  });
}

async function compile(tensorflow: string, folder: string): Promise<void> {
  const includes = [
    join(modules, "@tensorflow"),
    join(tensorflow, "include"),
    join(modules, "node-api-headers", "include"),
  ];
  const [program, ...args] = compiler();
  await command(
    program,
    [
      ...args,
      ...[
        "-O2",
        "-std=c++17",
        "-Wno-psabi",
        "-fPIC",
        "-shared",
        "-DNAPI_VERSION=8",
        ...includes.map((path) => `-I${path}`),
      ],
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(bindingSources, name)),
      ownOperations,
      ...LIBRARIES.map((name) => join(tensorflow, name)),
      // Node loads a binding by its real path, so the libraries are found from there wherever the home is moved to.
      ...["-Wl,-rpath,$ORIGIN/../../tensorflow", "-o", join(folder, BINDING)],
    ],
    "The compiler must know C++17 (g++ 9 or clang 10 and newer; CXX names another). TOUCHSTONE_BACKEND=wasm does without.",
  );
}

/** False when it was linked already. */
async function link(binding: string): Promise<boolean> {
  if ((await readlink(installedBinding).catch(() => undefined)) === binding) return false;
  await mkdir(dirname(installedBinding), { recursive: true });
  const aside = `${installedBinding}.${process.pid}`;
  await symlink(binding, aside);
  await rename(aside, installedBinding);
  return true;
}

async function verify(progress: Progress): Promise<void> {
  const probe = await progress.step("loading TensorFlow", probeTensorFlow);
  if (probe.ok && probe.said.includes('"native-')) return;
  await rm(installedBinding, { force: true });
  throw new TouchstoneError("SetupIncomplete", {
    what: `The native TensorFlow was built but doesn't load: ${probe.said}`,
    where: installedBinding,
    todo: "Delete the folder native/ under the home and set up again; TOUCHSTONE_BACKEND=wasm does without.",
  });
}
