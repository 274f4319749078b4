import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { buildReport } from "../../report/build.js";
import { launchChromium, skip } from "./chromium.js";
import { realisticStudy } from "./realistic.js";
import { WIDE_MODELS, wideStudy } from "./wide.js";

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

const studies = [
  { what: "one model", study: realisticStudy({ sizes: [16, 128], sets: 3 }), charts: 12, colours: 3 },
  {
    what: "all dimensions",
    study: wideStudy({ sizes: [8, 64], sets: 2, blocks: 4, models: WIDE_MODELS.slice(1, 4) }),
    // A model's spreads, set sizes, bits and layers; the spread by model size.
    charts: 3 * (2 * 5 + 2 * 4 + 2 + 2 * 3) + 2,
    colours: 4,
  },
];

for (const { name, width, colorScheme, what, study, charts: count, colours } of views.flatMap((view) =>
  studies.map((each) => ({ ...view, ...each })),
)) {
  test(`a browser shows the page whole, quietly and without any request (${what}, ${name})`, { skip }, async () => {
    const file = join(folder, "report.html");
    await writeFile(file, buildReport(study).html);
    browser ??= await launchChromium();
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
    assert.equal(await charts.count(), count);
    for (const chart of await charts.all()) {
      const box = await chart.boundingBox();
      assert.ok(box !== null && box.width > 150 && box.height > 120 && box.x >= 0 && box.x + box.width <= width);
    }
    // Colours come from the page's variables: a misspelt one would paint nothing, or black.
    const fills = `[...document.querySelectorAll("figure path[fill^='var(--source']")].map((path) => getComputedStyle(path).fill)`;
    const paints = new Set(await page.evaluate<string[]>(fills));
    assert.equal(paints.size, colours);
    assert.ok(
      await page.evaluate<boolean>("document.documentElement.scrollWidth <= window.innerWidth"),
      "no sideways scrolling",
    );
    await page.close();
  });
}
