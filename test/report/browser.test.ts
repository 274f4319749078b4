import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { buildReport } from "../../report/build.js";
import { realisticStudy } from "./realistic.js";

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
const skip = executablePath === undefined ? "no Chromium or Chrome found: set CHROME_PATH to run this" : false;

let browser: Browser | undefined;
const folder = await mkdtemp(join(tmpdir(), "touchstone-report-"));
after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

const views = [
  { name: "desktop, light", width: 1280, colorScheme: "light" },
  { name: "desktop, dark", width: 1280, colorScheme: "dark" },
  { name: "phone", width: 390, colorScheme: "light" },
] as const;

for (const { name, width, colorScheme } of views) {
  test(`a browser shows the page whole, quietly and without any request (${name})`, { skip }, async () => {
    const file = join(folder, "report.html");
    await writeFile(file, buildReport(realisticStudy({ sizes: [16, 128], sets: 3 })).html);
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    browser ??= await chromium.launch({ executablePath, args });
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const messages: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    const address = pathToFileURL(file).href;
    await page.goto(address, { waitUntil: "load" });

    assert.deepEqual(messages, []);
    assert.deepEqual(requests, [address]);
    const charts = page.getByRole("img");
    assert.equal(await charts.count(), 12);
    for (const chart of await charts.all()) {
      const box = await chart.boundingBox();
      assert.ok(box !== null && box.width > 150 && box.height > 120 && box.x >= 0 && box.x + box.width <= width);
    }
    // Colours come from the page's variables: a misspelt one would paint nothing, or black.
    const fills = `[...document.querySelectorAll("figure .panel use")].map((dot) => getComputedStyle(document.querySelector(dot.getAttribute("href"))).fill)`;
    const paints = new Set(await page.evaluate<string[]>(fills));
    // Three sources, and the page behind the hollow noise.
    assert.equal(paints.size, 4);
    assert.ok(
      await page.evaluate<boolean>("document.documentElement.scrollWidth <= window.innerWidth"),
      "no sideways scrolling",
    );
    await page.close();
  });
}
