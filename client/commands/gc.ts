import { Command, InvalidArgumentError, Option } from "commander";
import { createProgress, silentProgress } from "../../infra/progress.js";
import { collectGarbage, type Garbage, type GarbageKind, garbageKinds } from "../garbage.js";
import { useStore } from "../services.js";
import { formatCount, printJson, renderTable } from "./output.js";

interface GcOptions {
  bucket?: string;
  prefix?: string;
  olderThan: number;
  abandoned: string[];
  delete?: boolean;
  json?: boolean;
}

/** `touchstone gc`: what lies in the store and no study needs. */
export function gcCommand(): Command {
  return new Command("gc")
    .description("find what the store holds and no study needs; with --delete, remove it")
    .option("--bucket <name>", "bucket of the studies (default: TOUCHSTONE_BUCKET, or the local store's)")
    .option("--prefix <prefix>", "their checkpoints.prefix")
    .addOption(
      new Option("--older-than <age>", "leave alone what is younger, such as 36h or 2d")
        .argParser(parseAge)
        .default(DAY, "1d"),
    )
    .option("--abandoned <study...>", "studies that won't go on: hidden states of their unfinished cells go too", [])
    .option("--delete", "remove it; without this nothing is changed")
    .option("--json", "print one JSON document")
    .action(async ({ bucket, prefix, olderThan, abandoned, delete: remove = false, json }: GcOptions) => {
      const location = await useStore({ bucket, prefix });
      const progress = json ? silentProgress : createProgress();
      const title = remove ? "removing what no study needs" : "looking for what no study needs";
      const garbage = await progress.step(
        title,
        (report) => collectGarbage(location, { olderThan, remove, abandoned, report }),
        { unit: "objects" },
      );
      if (json) printJson({ ...location, deleted: remove, ...garbage });
      else process.stdout.write(renderGarbage(garbage, remove));
    });
}

export function renderGarbage(garbage: Garbage, removed: boolean): string {
  const kinds = Object.keys(garbageKinds) as GarbageKind[];
  const rows = kinds.map((kind) => {
    const { objects, bytes, oldest } = garbage[kind];
    return [garbageKinds[kind], String(objects), `${formatCount(bytes)}B`, oldest?.toISOString().slice(0, 16) ?? ""];
  });
  const { young } = garbage;
  const notes = [
    ...(young.objects === 0
      ? []
      : [`${young.objects} objects that nothing names yet are too young to be told from what is being written.`]),
    removed ? "Removed." : "Nothing was changed; --delete removes it.",
  ];
  return `${renderTable(["what", "objects", "size", "oldest"], rows, [1, 2])}\n\n${notes.join("\n")}\n`;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** @returns seconds; an hour at least: what a running study names is made new when it is older than half of that */
export function parseAge(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([hd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === "d" ? DAY : HOUR);
  if (seconds >= HOUR) return seconds;
  throw new InvalidArgumentError("It must be an age such as 36h or 2d, an hour at least.");
}
