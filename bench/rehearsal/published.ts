import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { parseCount } from "../../client/commands/parse-count.js";
import { showProgress } from "../../client/commands/study-display.js";
import { Touchstone } from "../../client/index.js";
import { loadSpec } from "../../client/load-spec.js";
import { savedReport } from "../../client/saved-report.js";
import { modelPath } from "../../infra/quickstart-data.js";
import { checkoutFolder, homePath } from "../../storage/home.js";
import { expandCells } from "../../study/cells.js";
import { TouchstoneError } from "../../study/errors.js";
import { parseStudySpec, type StudySpec, type StudySpecInput } from "../../study/spec.js";
import { writeStandIn } from "./published-models.js";
import { missingRows } from "./published-rows.js";
import { runRehearsal, withRehearsalServices } from "./services.js";

/**
 * Entry of `npm run published`: the published study in all its dimensions (nine models, four methods, five sources, ten sets), on
 * real servers and workers, with tiny random models; its report has the tables and figures of a study of that shape.
 */

const PUBLISHED = join(checkoutFolder, "studies", "model-size.yaml");

const { out, workers } = new Command("published")
  .description("run the published study in all its dimensions with tiny random models, and write its report")
  .option("--out <folder>", "folder for the report", "reports/published-dimensions")
  .option("--workers <count>", "worker processes", parseCount, 2)
  .parse()
  .opts<{ out: string; workers: number }>();

const texts = homePath("data");
const quickstart = modelPath();
const folder = await mkdtemp(join(tmpdir(), "touchstone-published-"));
await runRehearsal(async () => {
  try {
    await withRehearsalServices({}, async ({ startWorker }) => {
      for (let i = 0; i < workers; i++) await startWorker(new URL("../../workers/main.js", import.meta.url));
      const spec = await standInStudy(parseStudySpec(await loadSpec(PUBLISHED)));
      await run(spec);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The published specification with stand-ins for its models, and the set-up's texts and tasks for its own. */
async function standInStudy(published: StudySpec): Promise<StudySpecInput> {
  const models = published.models.map(({ id, base }) => ({ id, base, path: join(folder, id) }));
  for (const { id, path } of models) await writeStandIn(quickstart, id, path);
  const corpora = ["sotu", "moby-dick", "xsum"].map((name) => join(texts, "corpora", `${name}.jsonl`));
  return {
    name: "published-dimensions",
    models,
    // Fewer texts than sources: some are read twice, for other sets.
    sources: published.sources.map(({ id }, i) => ({ id, path: corpora[i % corpora.length] })),
    // Groups as wide as the narrowest model.
    methods: published.methods.map((method) => ("groupSize" in method ? { ...method, groupSize: 16 } : method)),
    calibration: { ...published.calibration, sizes: [4], length: 64 },
    evaluation: {
      tasks: ["piqa"],
      data: join(texts, "benchmarks"),
      limit: 20,
      perplexity: [{ id: "heldout", path: join(texts, "heldout.txt"), length: 64, limit: 1 }],
    },
    concurrency: { cells: 6 },
  };
}

async function run(input: StudySpecInput): Promise<void> {
  const spec = parseStudySpec(input);
  const cells = spec.models.flatMap(({ id }) => expandCells(spec, id)).length;
  const touchstone = await Touchstone.connect();
  try {
    const started = performance.now();
    const study = await touchstone.start(input);
    await showProgress(study);
    await study.result();
    const seconds = (performance.now() - started) / 1000;
    await mkdir(out, { recursive: true });
    const page = await study.report(out);
    const missing = missingRows(spec, await savedReport(out, {}));
    process.stdout.write(
      `${cells} cells in ${(seconds / 60).toFixed(1)} min: ${(cells / seconds).toFixed(1)} a second\n${page}\n`,
    );
    if (missing.length > 0) {
      throw new TouchstoneError("StudyIncomplete", { what: `The report lacks ${missing.join("; ")}`, where: page });
    }
  } finally {
    await touchstone.close();
  }
}
