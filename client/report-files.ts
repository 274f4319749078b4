import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readFile } from "../storage/files.js";

const names = { html: "index.html", csv: "report.csv", json: "report.json" } as const;

/** Copies a report from the store into a folder. The path of its page. */
export async function downloadReport(address: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [extension, name] of Object.entries(names)) {
    await writeFile(join(folder, name), await readFile(address.replace(/html$/, extension)));
  }
  return resolve(folder, names.html);
}
