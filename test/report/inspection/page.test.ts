import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { flagNames } from "../../../calibration/inspection/flags.js";
import { inspectionFolder, inspectionPage } from "../../../report/inspection/page.js";
import { BOS } from "../../calibration/inspection/words.js";
import { type Opened, openBrowser, skip } from "../browser.js";
import { madeUpInspection, QUESTION, TITLE } from "./made-up.js";

const options = { title: TITLE, specialTokens: [BOS] };

let opened: Opened | undefined;
const folder = await mkdtemp(join(tmpdir(), "touchstone-inspection-"));
after(async () => {
  await opened?.close();
  await rm(folder, { recursive: true });
});

interface View {
  width: number;
  colorScheme: "light" | "dark";
}

/** The page in a browser, with everything that it said and asked for. */
async function open(file: string, { width, colorScheme }: View = { width: 1280, colorScheme: "light" }) {
  opened ??= await openBrowser();
  const page = await opened.browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const [messages, requests]: [string[], string[]] = [[], []];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(error.message));
  page.on("dialog", (dialog) => messages.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  const address = pathToFileURL(join(folder, file)).href;
  await page.goto(address, { waitUntil: "load" });
  return { page, messages, requests, address };
}

function shown(page: Page): Promise<number> {
  return page.locator("details.sequence:visible").count();
}

test("each flag is raised in the made-up sets, and the page has a choice for each with its count", async () => {
  const inspection = await madeUpInspection();
  const text = inspectionPage(inspection, options);
  const found = inspection.sets.flatMap((set) => set.found);
  for (const flag of flagNames) {
    const count = found.filter(({ flags }) => flags.includes(flag)).length;
    assert.ok(count > 0, flag);
    assert.match(text, new RegExp(`id="flag-${flag}" value="${flag}"> [a-z -]+ \\(${count}\\)</label>`));
  }
});

test("the page has no script, nothing to load, and texts stay texts", async () => {
  const text = inspectionPage(await madeUpInspection(), options);
  assert.doesNotMatch(text, /<script|<b>bold|src=|@import|url\(|href="(?!#|data:)/);
  assert.match(text, /&lt;script&gt;alert\(&quot;no&quot;\)&lt;\/script&gt;/);
  assert.match(text, /Two &lt;made-up&gt; sources/);
});

test("what can't be seen in a text is shown, special tokens and words of evaluation records are marked", async () => {
  const text = inspectionPage(await madeUpInspection(), options);
  assert.match(text, /<span class="unseen" title="U\+0007">\u2407<\/span>/);
  assert.match(text, /<span class="unseen" title="U\+202E">U\+202E<\/span>/);
  assert.match(text, /<span class="unseen" title="U\+200B">U\+200B<\/span>/);
  assert.match(text, /👩‍👩‍👧/, "joiners are part of writing");
  assert.ok(text.includes('<mark class="special" title="special token">&lt;s&gt;</mark>'));
  assert.ok(text.includes(`<mark class="record" title="quiz record 1">${QUESTION}</mark>`));
  assert.match(text, /<mark class="repeated" title="stands in several documents">/);
});

test("figures that were not computed have no column, and records that were not looked for are no zero", async () => {
  const inspection = await madeUpInspection({ perplexities: false });
  assert.doesNotMatch(inspectionPage(inspection, options), /perplexity<small>/);
  const without = {
    sources: inspection.sources.map((source) => ({ ...source, records: null })),
    sets: inspection.sets.map((set) => ({ ...set, records: null })),
  };
  const text = inspectionPage(without, options);
  assert.match(text, /not looked for/);
  assert.doesNotMatch(text, /records<small>/);
});

test("a folder has a page a source, and links between them", async () => {
  const pages = inspectionFolder(await madeUpInspection(), options);
  assert.deepEqual(Array.from(pages.keys()), ["index.html", "0-news.html", "1-web-pages.html"]);
  assert.match(pages.get("index.html") ?? "", /<a href="1-web-pages.html">web\/pages<\/a>/);
  assert.match(pages.get("0-news.html") ?? "", /<a href="1-web-pages.html#sequence-2-1">/);
  assert.match(pages.get("1-web-pages.html") ?? "", /id="sequence-2-1"/);
});

test("without a script the page shows the sequences of a flag and of a set, and what a link leads to", {
  skip,
}, async () => {
  const inspection = await madeUpInspection();
  await writeFile(join(folder, "page.html"), inspectionPage(inspection, options));
  const { page, messages, requests, address } = await open("page.html");
  const found = inspection.sets.flatMap((set) => set.found);
  assert.equal(await shown(page), found.length);
  for (const flag of flagNames) {
    await page.locator(`#flag-${flag}`).check();
    assert.equal(await shown(page), found.filter(({ flags }) => flags.includes(flag)).length, flag);
  }
  await page.locator("#flag-all").check();
  await page.locator("#set-1").check();
  assert.equal(await shown(page), inspection.sets[1].found.length);
  await page.locator("#set-all").check();
  // By the keyboard: a choice has an arrow key's next one.
  await page.locator("#flag-all").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await shown(page), found.filter(({ flags }) => flags.includes("record")).length);
  await page.locator("#flag-duplicate").check();
  await page.locator("#sequence-0-0 summary").click();
  await page.locator("#sequence-0-0 dd a").click();
  await page.locator("#flag-symbols").check();
  assert.ok(await page.locator("#sequence-2-1").isVisible());
  assert.deepEqual(messages, []);
  assert.deepEqual(Array.from(new Set(requests.map((url) => url.replace(/#.*/, "")))), [address]);
  await page.close();
});

test("the filter can be reached and read by its names", { skip }, async () => {
  await writeFile(join(folder, "page.html"), inspectionPage(await madeUpInspection(), options));
  const { page } = await open("page.html");
  const group = page.getByRole("group", { name: "Show sequences" });
  assert.ok((await group.getByRole("radio").count()) > 5);
  assert.ok(await group.getByRole("radio", { name: /^other or unclear language/ }).isVisible());
  await page.locator("#sequence-2-0 summary").click();
  assert.ok(await page.getByRole("region", { name: "Text of sequence 0" }).first().isVisible());
  await page.close();
});

for (const view of [
  { width: 1280, colorScheme: "dark" },
  { width: 390, colorScheme: "light" },
] as const) {
  test(`unfolded texts stay inside the page (${view.width} pixels, ${view.colorScheme})`, { skip }, async () => {
    await writeFile(join(folder, "page.html"), inspectionPage(await madeUpInspection(), options));
    const { page, messages } = await open("page.html", view);
    await page.evaluate("for (const each of document.querySelectorAll('details.sequence')) each.open = true");
    assert.ok(await page.evaluate<boolean>("document.documentElement.scrollWidth <= window.innerWidth"));
    const ink = "getComputedStyle(document.querySelector('.window')).color";
    const paper = "getComputedStyle(document.querySelector('.window')).backgroundColor";
    assert.notEqual(await page.evaluate<string>(ink), await page.evaluate<string>(paper));
    assert.deepEqual(messages, []);
    await page.close();
  });
}
