import { Command, Option } from "commander";
import { benchLarge, forecastFrom, H100_GFLOPS, type LargeFigures } from "../../bench/large.js";
import { LLAMA_7B, LLAMA_13B } from "../../bench/random-llama.js";
import { renderBenchTable } from "../../bench/table.js";
import { createProgress } from "../../infra/progress.js";
import { ACTIVATION_DTYPES, type ActivationDtype, DEFAULT_ACTIVATION_DTYPE } from "../../study/activation-dtype.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";

const GIB = 2 ** 30;

interface LargeBenchOptions {
  methods: string;
  blocks: number;
  sequences: number;
  length: number;
  records: number;
  activationDtype: ActivationDtype;
  memory: number;
  json?: boolean;
}

/** `touchstone bench large`: time and memory of compressing blocks of LLaMA-7B's shape, and what whole models would take. */
export function benchLargeCommand(): Command {
  return new Command("large")
    .description("compress blocks of LLaMA-7B's shape (random weights), score with them, and forecast whole models")
    .option("--methods <names>", "separated by commas", "gptq,wanda")
    .option("--blocks <count>", "blocks of the model", parseCount, 2)
    .option("--sequences <count>", "calibration sequences", parseCount, 128)
    .option("--length <count>", "tokens a sequence", parseCount, 2048)
    .option("--records <count>", "records of four choices to score", parseCount, 20)
    .addOption(
      new Option("--activation-dtype <type>", "of hidden states between blocks")
        .choices(ACTIVATION_DTYPES)
        .default(DEFAULT_ACTIVATION_DTYPE),
    )
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption, 6 * GIB)
    .option("--json", "print one JSON document")
    .action(async ({ methods, json, ...options }: LargeBenchOptions) => {
      const settings = methods.split(",").map((method) => methodSettingsSchema.parse({ method }));
      const figures = await benchLarge({ ...options, methods: settings }, createProgress());
      if (json) return printJson(figures);
      process.stdout.write(render(figures, options));
    });
}

function render(
  { methods, tokens, gflops }: LargeFigures,
  { blocks, memory }: Pick<LargeBenchOptions, "blocks" | "memory">,
) {
  const hours = (seconds: number) => String(Number((seconds / 3600).toPrecision(2)));
  return renderBenchTable("blocks of LLaMA-7B's shape", {
    head: [
      "a block, seconds",
      "read",
      "capture",
      "solve",
      "forward",
      "scoring",
      "GiB at most",
      "7B, hours",
      "13B, hours",
      "7B, H100 hours",
      "13B, H100 hours",
    ],
    rows: methods.map((figures) => [
      figures.method,
      ...Object.values(figures.seconds).map((seconds) => seconds.toFixed(1)),
      figures.evaluate.toFixed(1),
      (figures.peak / GIB).toFixed(2),
      ...[1, gflops / H100_GFLOPS].flatMap((share) =>
        [LLAMA_7B, LLAMA_13B].map((shape) => hours(share * forecastFrom(figures, shape))),
      ),
    ]),
    notes: [
      `${blocks} blocks, ${tokens} calibration tokens, ${(memory / GIB).toFixed(1)} GiB asked for`,
      "hours: compressing all blocks of such a model on this machine, work in proportion to multiplications",
      `on an H100: if it reached the same share of its products (${H100_GFLOPS / 1000} TFLOP/s in float32 by its data sheet) as this machine of its own (${gflops.toFixed(0)} GFLOP/s); none was measured`,
    ],
  });
}
