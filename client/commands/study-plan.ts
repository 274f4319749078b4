import { Command, InvalidArgumentError } from "commander";
import { withTasks } from "../../activities/plan-study.js";
import { createProgress } from "../../infra/progress.js";
import type { Prices } from "../../study/capacity.js";
import { TouchstoneError } from "../../study/errors.js";
import { type PriceFacts, priceStudy, type StudyPrice } from "../../study/price.js";
import { parseStudySpec } from "../../study/spec.js";
import { type Forecast, forecastOf, type Workers } from "../forecast/forecast.js";
import { loadSpec } from "../load-spec.js";
import { studyFacts } from "../study-facts.js";
import { formatCount, printJson, renderTable } from "./output.js";
import { parseCount } from "./parse-count.js";
import { renderForecast } from "./study-forecast.js";

interface PlanCommandOptions extends Workers {
  rate?: number;
  measure?: boolean;
  pricePerHour?: number;
  pricePerGbMonth?: number;
  pricePerGbMoved?: number;
  json?: boolean;
}

/** `touchstone study plan SPEC`: what a study would cost, without running any of it. */
export function studyPlanCommand(): Command {
  return new Command("plan")
    .description("price a study without running it: cells, activities, tokens, bytes to the store, time, memory, money")
    .argument("<spec>", "specification, YAML or JSON")
    .option("--rate <tokens>", "tokens a second of a forward pass of the first model, as measured", parseRate)
    .option("--measure", "compute one block of each model for some seconds: time and memory on this machine")
    .option(
      "--slots <count>",
      "with --measure: compute processes of the workers, all on machines like this",
      parseCount,
      1,
    )
    .option("--threads <count>", "with --measure: of each (default: the cores divided among the slots)", parseCount)
    .option("--price-per-hour <price>", "with --measure: of a machine", parsePrice)
    .option("--price-per-gb-month <price>", "with --measure: of 1e9 bytes that the store keeps for a month", parsePrice)
    .option("--price-per-gb-moved <price>", "with --measure: of 1e9 bytes from the store or to it", parsePrice)
    .option("--json", "print one JSON document")
    .action(async (file: string, options: PlanCommandOptions) => {
      const { rate, measure, slots, threads, json } = options;
      const { pricePerHour: perHour, pricePerGbMonth: perGbMonth, pricePerGbMoved: perGbMoved } = options;
      const prices = { perHour, perGbMonth, perGbMoved };
      if (!measure && Object.values(prices).some((price) => price !== undefined)) throw unmeasured(file);
      const plan = await planOf(file, rate, measure ? { slots, threads, prices } : undefined);
      if (json) printJson(plan);
      else process.stdout.write(renderPlan(plan));
      const [reason, ...others] = plan.forecast?.refused ?? [];
      if (reason !== undefined) throw refused(file, [reason, ...others]);
    });
}

export interface Plan extends StudyPrice {
  name: string;
  /** How it was counted, in words. */
  assumptions: string[];
  /** Where it was measured. */
  forecast?: Forecast;
}

interface MeasureOptions extends Workers {
  prices: Prices;
}

/** The price of the study in a specification's file. @throws TouchstoneError as `loadSpec`, `parseStudySpec`, `withTasks`, `studyFacts` */
export async function planOf(file: string, rate?: number, measure?: MeasureOptions): Promise<Plan> {
  const spec = await withTasks(parseStudySpec(await loadSpec(file)));
  const { facts, assumptions } = await studyFacts(spec, rate);
  const price = priceStudy(spec, facts);
  const kept = spec.checkpoints.activations === "auto" ? [describeAuto(price, facts)] : [];
  const counted = [...COUNTED, ...kept, rate === undefined ? WITHOUT_HOURS : WITH_HOURS];
  const plan = { name: spec.name, ...price, assumptions: [...assumptions, ...counted] };
  if (measure === undefined) return plan;
  const forecast = await forecastOf(spec, facts.models, measure, measure.prices, createProgress());
  return { ...plan, forecast };
}

function unmeasured(file: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", {
    what: "A price needs a time, and none was measured",
    where: file,
    todo: "Give --measure too.",
  });
}

function refused(file: string, reasons: readonly string[]): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what: `It can't fit: ${reasons.join(" ")}`, where: file });
}

const COUNTED = [
  "nothing is done yet: what is in the store already costs nothing",
  "a calibration set goes through every block once with trueSequential, else twice (to collect what the method wants to know, and through the compressed block); methods without calibration data need none of it",
  "evaluation reads each record's context once and each of its choices, at four characters a token",
  "bytes are those written; hidden states at block boundaries are removed as a cell goes on (checkpoints.activations says how often they are kept)",
];

/** How `auto` begins; what is measured takes the place of the assumptions. */
function describeAuto({ models }: StudyPrice, facts: PriceFacts): string {
  const each = models.map(({ model, keptEvery }) => {
    const isKept = keptEvery < facts.models[model].blocks;
    return `${model} ${isKept ? `every ${keptEvery} block${keptEvery === 1 ? "" : "s"}` : "none"}`;
  });
  return `hidden states are kept as \`auto\` would begin: ${each.join(", ")} (100 MB/s to the store, a loss of memory a day; it follows what is measured)`;
}

const WITH_HOURS =
  "hours are those of the forward passes on one machine, larger models slower by their number of weights; solving the layers comes on top";
const WITHOUT_HOURS =
  "--rate TOKENS gives hours: the tokens a second of the first model's forward pass, as `npm run bench` says";

export function renderPlan({ name, models, total, assumptions, forecast }: Plan): string {
  const head = ["model", "cells", "activities", "tokens: calibration", "evaluation"];
  const stored = ["bytes: sets", "hidden states", "layers", ...(total.hours === null ? [] : ["hours"])];
  const rows = [...models.map((price) => priceRow(price.model, price)), priceRow("all", total)];
  const figures = rows[0].map((_, i) => i).slice(1);
  const notes = assumptions.map((text) => `  - ${text}`).join("\n");
  const table = renderTable([...head, ...stored], rows, figures);
  const measured = forecast === undefined ? "" : `\n\n${renderForecast(forecast)}`;
  return `Study ${name}\n\n${table}${measured}\n\nCounted as follows:\n${notes}\n`;
}

function priceRow(label: string, price: StudyPrice["total"]): string[] {
  const { cells, activities, forwardTokens, bytes, hours } = price;
  return [
    label,
    String(cells),
    String(activities),
    ...[forwardTokens.calibration, forwardTokens.evaluation].map(formatCount),
    ...[bytes.calibrationSets, bytes.activations, bytes.layers].map((figure) => `${formatCount(figure)}B`),
    ...(hours === null ? [] : [hours < 10 ? hours.toFixed(1) : hours.toFixed(0)]),
  ];
}

/** Not below zero. */
function parsePrice(text: string): number {
  const price = Number(text);
  if (text.trim() !== "" && price >= 0 && Number.isFinite(price)) return price;
  throw new InvalidArgumentError("It must be a number, 0 or more, of any one currency.");
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new InvalidArgumentError("It must be a positive number of tokens a second.");
}
