import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Download, Locator, Page } from "playwright-core";
import { buildReport } from "../../report/build.js";
import { toNumber } from "../../study/figures.js";
import { type Opened, openBrowser, skip } from "./browser.js";
import { realisticStudy } from "./realistic.js";

const study = realisticStudy({ sets: 3 });
let opened: Opened | undefined;
after(() => opened?.close());

async function openPage(options: { javaScriptEnabled?: boolean; colorScheme?: "light" | "dark" } = {}): Promise<Page> {
  opened ??= await openBrowser();
  const page = await opened.browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.on("pageerror", (error) => assert.fail(error));
  await page.goto(await opened.save(buildReport(study).html));
  return page;
}

/** The table of all cells with their figures. */
function cellsOf(page: Page): Locator {
  return page.locator("#cells");
}

async function saved(download: Download): Promise<Buffer> {
  const path = join(opened?.folder ?? "", download.suggestedFilename());
  await download.saveAs(path);
  return readFile(path);
}

/** The finished cells' perplexities as the study has them. */
const perplexities = study.cells.map(
  ({ evaluations }) => toNumber(evaluations.find(({ kind }) => kind === "perplexity")?.metrics.perplexity) ?? 0,
);

function numbersOf(rows: readonly Record<string, unknown>[], name: string): number[] {
  const spelled: Record<string, number> = { inf: Number.POSITIVE_INFINITY };
  return rows.map((row) => spelled[String(row[name])] ?? Number(row[name]));
}

test("a heading sorts a table up, down and back, and says so", { skip }, async () => {
  const page = await openPage();
  const heading = cellsOf(page).locator("thead th", { hasText: "heldout-novel" });
  const column = async () => {
    const index = await heading.evaluate((head) => (head as unknown as { cellIndex: number }).cellIndex);
    const rows = cellsOf(page).locator(`tbody tr:not(.group):visible > :nth-child(${index + 1})[data-value]`);
    const texts = await rows.evaluateAll((cells) =>
      (cells as unknown as { dataset: { value: string } }[]).map(({ dataset }) => dataset.value),
    );
    return texts.map((text) => (text === "inf" ? Number.POSITIVE_INFINITY : Number(text)));
  };
  const before = await column();
  assert.equal(before.length, study.cells.length);
  const upward = perplexities.toSorted((a, b) => a - b);
  for (const [order, expected] of [
    ["ascending", upward],
    ["descending", upward.toReversed()],
    ["none", before],
  ] as const) {
    await heading.locator("button").focus();
    await page.keyboard.press("Enter");
    assert.equal(await heading.getAttribute("aria-sort"), order);
    assert.deepEqual(await column(), expected);
  }
  await page.close();
});

test("a figure leads to the cells behind it, and all come back", { skip }, async () => {
  const page = await openPage();
  const rows = cellsOf(page).locator("tbody tr:not(.group):visible");
  assert.equal(await rows.count(), study.cells.length + study.failed.length);
  await page.locator("tbody", { hasText: "wanda" }).first().getByRole("link", { name: "moby-dick" }).click();
  assert.equal(await rows.count(), 3);
  for (const text of await rows.allInnerTexts()) assert.match(text, /wanda\s+moby-dick/);
  assert.match((await cellsOf(page).getByRole("status").allInnerTexts()).join(), /^3 of \d+ rows$/);
  await cellsOf(page).getByRole("button", { name: "Show all" }).click();
  await cellsOf(page).getByRole("searchbox").fill("gptq news");
  assert.equal(await rows.count(), 3);
  await page.close();
});

test("a dot leads to its cell", { skip }, async () => {
  const page = await openPage();
  const dot = page.locator("figure .panel a").first();
  const title = await dot.locator("title").textContent();
  await dot.dispatchEvent("click");
  const [, source, set] = title?.match(/^(.*), set (\d+): /) ?? [];
  const target = page.locator("tr:target");
  assert.match((await target.allInnerTexts()).join(), new RegExp(`${source}\\s+128\\s+${set}\\s`));
  assert.ok(await target.isVisible());
  await page.close();
});

test("CSV, Parquet and LaTeX hold what the table shows, figures in full", { skip }, async () => {
  const page = await openPage();
  const download = async (name: string) => {
    const waiting = page.waitForEvent("download");
    await cellsOf(page).locator(".downloads").getByText(name, { exact: true }).click();
    return saved(await waiting);
  };
  const csv = parse(await download("CSV"), { columns: true }) as Record<string, string>[];
  assert.deepEqual(numbersOf(csv, "heldout-novel"), perplexities);
  assert.deepEqual([...new Set(csv.map(({ model }) => model))], [study.cells[0].model]);
  const bytes = await download("Parquet");
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const rows = await parquetReadObjects({ file, compressors });
  assert.deepEqual(numbersOf(rows, "heldout-novel"), perplexities);
  assert.deepEqual(Object.keys(rows[0]), Object.keys(csv[0]));
  const text = (await download("LaTeX")).toString();
  assert.deepEqual(text.split("\n").slice(2, 4), ["\\begin{tabular}{lllrrrrrrrrrrrrrlr}", "\\toprule"]);
  assert.ok(text.includes(" & mean accuracy \\% & "));
  const { source, size, set, calibrationDigest } = study.cells[1];
  assert.ok(text.includes(` & rtn & ${source} & ${size} & ${set} & -- & 49.53 & `));
  assert.match(text, new RegExp(`${calibrationDigest} & -- \\\\\\\\ % 0\\.495333`));
  assert.equal(text.match(/\\bottomrule/g)?.length, 1);
  await page.close();
});

test("colours follow the system until something else is chosen, which is remembered", { skip }, async () => {
  const page = await openPage({ colorScheme: "dark" });
  const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const dark = await background();
  const choice = page.getByLabel("Colours");
  await choice.selectOption("light");
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), light);
  await choice.selectOption("system");
  assert.equal(await background(), dark);
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await background(), light);
  await page.close();
});

test("without scripts all figures and Parquet files are there, and links lead to cells", { skip }, async () => {
  const page = await openPage({ javaScriptEnabled: false });
  assert.equal(await page.getByRole("img").count(), 8);
  assert.equal(await cellsOf(page).locator("tbody tr:not(.group)").count(), study.cells.length + study.failed.length);
  assert.equal(await page.locator("button, select, input").count(), 0);
  const waiting = page.waitForEvent("download");
  await cellsOf(page).getByRole("link", { name: "Parquet" }).click();
  assert.equal((await saved(await waiting)).toString("latin1", 0, 4), "PAR1");
  await page.locator("tbody", { hasText: "wanda" }).first().getByRole("link", { name: "moby-dick" }).click();
  assert.equal(await page.locator("tbody:target tr").count(), 3);
  await page.close();
});

test("headings go down by one level, landmarks are named, tables have captions and scopes", { skip }, async () => {
  const page = await openPage();
  const levels = await page.evaluate<number[]>(
    `[...document.querySelectorAll("h1,h2,h3,h4")].map((heading) => Number(heading.tagName[1]))`,
  );
  assert.equal(levels.filter((level) => level === 1).length, 1);
  for (const [i, level] of levels.slice(1).entries()) assert.ok(level - levels[i] <= 1, levels.join(" "));
  for (const role of ["banner", "main"] as const) assert.equal(await page.getByRole(role).count(), 1);
  assert.equal(await page.locator("table:not(:has(> caption))").count(), 0);
  assert.equal(await page.locator("th:not([scope])").count(), 0);
  await page.close();
});
