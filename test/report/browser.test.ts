import assert from "node:assert/strict";
import { after, test } from "node:test";
import { buildReport } from "../../report/build.js";
import { type Opened, openBrowser, skip } from "./browser.js";
import { realisticStudy } from "./realistic.js";
import { WIDE_MODELS, wideStudy } from "./wide.js";

let opened: Opened | undefined;
after(() => opened?.close());

const views = [
  { name: "desktop, light", width: 1280, colorScheme: "light" },
  { name: "desktop, dark", width: 1280, colorScheme: "dark" },
  { name: "phone", width: 390, colorScheme: "light" },
] as const;

const studies = [
  { what: "one model", study: realisticStudy({ sizes: [16, 128], sets: 3 }), charts: 12, colours: 4 },
  {
    what: "all dimensions",
    study: wideStudy({ sizes: [8, 64], sets: 2, blocks: 4, models: WIDE_MODELS.slice(1, 4) }),
    // A model's spreads, set sizes, bits and layers; the spread by model size.
    charts: 3 * (2 * 5 + 2 * 4 + 2 + 2 * 3) + 2,
    colours: 5,
  },
];

for (const { name, width, colorScheme, what, study, charts: count, colours } of views.flatMap((view) =>
  studies.map((each) => ({ ...view, ...each })),
)) {
  test(`a browser shows the page whole, quietly and without any request (${what}, ${name})`, { skip }, async () => {
    opened ??= await openBrowser();
    const address = await opened.save(buildReport(study).html);
    const page = await opened.browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const messages: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => messages.push(message.text()));
    page.on("pageerror", (error) => messages.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
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
    const fills = `[...document.querySelectorAll("figure .panel use")].map((dot) => getComputedStyle(document.querySelector(dot.getAttribute("href"))).fill)`;
    const paints = new Set(await page.evaluate<string[]>(fills));
    // The sources, and where noise was measured the page behind its hollow dots.
    assert.equal(paints.size, colours);
    assert.ok(
      await page.evaluate<boolean>("document.documentElement.scrollWidth <= window.innerWidth"),
      "no sideways scrolling",
    );
    await page.close();
  });
}
