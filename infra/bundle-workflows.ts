import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { checkoutFolder } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { readJson, writeJson } from "./json-file.js";

const compiled = join(checkoutFolder, "dist");

/** Where workers load the workflows' code from. Making it at each start would cost them seconds. */
export const bundlePath = join(compiled, "workflows", "bundle.js");
const stampPath = join(compiled, "workflows", "bundle.json");

const stampSchema = z.object({ sources: z.string(), codeBytes: z.number() });
export type BundleStamp = z.output<typeof stampSchema>;

/**
 * Bundles the compiled workflows, unless that was done with the same code and the same packages before: a bundle must be of
 * the exact version of `@temporalio/worker` that loads it.
 * @throws TouchstoneError SetupIncomplete with webpack's words, when the workflows import what workflows can't have
 */
export async function bundleWorkflows(): Promise<BundleStamp> {
  const sources = await sourcesDigest();
  const known = await readJson(stampPath, stampSchema);
  if (known?.sources === sources && existsSync(bundlePath)) return known;
  let said = "";
  // Loading the bundler takes longer than finding that there is nothing to do.
  const { bundleWorkflowCode } = await import("@temporalio/worker");
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(compiled, "workflows", "index.js"),
    logger: errorLogger((message) => {
      said += message;
    }),
  }).catch((cause) => {
    throw new TouchstoneError(
      "SetupIncomplete",
      {
        what: `The workflows can't be bundled:\n${said.slice(Math.max(said.indexOf("ERROR in"), 0)) || cause}\n`,
        where: "workflows/",
        todo: "They may import study/ and Temporal's workflow package, and only types of activities.",
      },
      { cause },
    );
  });
  const aside = `${bundlePath}.${process.pid}.partial`;
  await writeFile(aside, code);
  await rename(aside, bundlePath);
  const stamp = { sources, codeBytes: Buffer.byteLength(withoutSourceMap(code)) };
  await writeJson(stampPath, stamp);
  return stamp;
}

/** Of all code that workflows may import, and of the packages' versions. */
async function sourcesDigest(): Promise<string> {
  const hash = createHash("sha256").update(await readFile(join(checkoutFolder, "package-lock.json")));
  for (const folder of ["workflows", "study"]) {
    const names = (await readdir(join(compiled, folder))).filter(
      (name) => name.endsWith(".js") && name !== "bundle.js",
    );
    for (const name of names.sort()) hash.update(name).update(await readFile(join(compiled, folder, name)));
  }
  return hash.digest("hex");
}

function withoutSourceMap(code: string): string {
  const start = code.lastIndexOf("\n//# sourceMappingURL=");
  return start === -1 ? code : code.slice(0, start);
}

/** Webpack tells of its success at length; only what went wrong is of interest. */
function errorLogger(error: (message: string) => void) {
  const silent = () => {};
  return { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error };
}
