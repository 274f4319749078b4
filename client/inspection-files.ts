import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Inspection } from "../calibration/inspection/findings.js";
import { inspectionFolder, inspectionPage, type PageOptions } from "../report/inspection/page.js";

/**
 * Writes one page with everything (`out` ends in .html), or a folder with the figures and a page a source.
 * @returns the path of the page to open
 */
export async function writeInspection(inspection: Inspection, out: string, options: PageOptions): Promise<string> {
  if (/\.html?$/i.test(out)) {
    await mkdir(dirname(out), { recursive: true });
    await writeFile(out, inspectionPage(inspection, options));
    return resolve(out);
  }
  await mkdir(out, { recursive: true });
  for (const [name, text] of inspectionFolder(inspection, options)) await writeFile(join(out, name), text);
  return resolve(out, "index.html");
}
