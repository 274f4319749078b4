import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";

const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const executablePath = [process.env.CHROME_PATH, ...USUAL_PLACES].find(
  (path) => path !== undefined && existsSync(path),
);

/** Why tests of pages are skipped; false where there is a browser. */
export const skip = executablePath === undefined ? "no Chromium or Chrome found: set CHROME_PATH to run this" : false;

/** A browser without a window, and a folder for pages. */
export interface Opened {
  browser: Browser;
  folder: string;
  /** Writes a page. Its `file://` address. */
  save(html: string): Promise<string>;
  close(): Promise<void>;
}

export async function openBrowser(): Promise<Opened> {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  const browser = await chromium.launch({ executablePath, args });
  const folder = await mkdtemp(join(tmpdir(), "touchstone-report-"));
  let pages = 0;
  return {
    browser,
    folder,
    save: async (html) => {
      const file = join(folder, `page-${pages++}.html`);
      await writeFile(file, html);
      return pathToFileURL(file).href;
    },
    close: async () => {
      await browser.close();
      await rm(folder, { recursive: true });
    },
  };
}
