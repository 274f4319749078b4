import { existsSync } from "node:fs";
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

/** Why tests in a browser are skipped, if they are. */
export const skip = executablePath === undefined ? "no Chromium or Chrome found: set CHROME_PATH to run this" : false;

export function launchChromium(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  return chromium.launch({ executablePath, args });
}
