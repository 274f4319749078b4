#!/usr/bin/env node
import { Command } from "commander";
import { benchCommand } from "./commands/bench.js";
import { codecServerCommand } from "./commands/codec-server.js";
import { compressCommand } from "./commands/compress.js";
import { dataCommand } from "./commands/data.js";
import { doctorCommand } from "./commands/doctor.js";
import { downCommand } from "./commands/down.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { exportCommand } from "./commands/export.js";
import { forwardCommand } from "./commands/forward.js";
import { gcCommand } from "./commands/gc.js";
import { inspectCommand } from "./commands/inspect.js";
import { layerCommand } from "./commands/layer.js";
import { perplexityCommand } from "./commands/perplexity.js";
import { publishCommand } from "./commands/publish.js";
import { quickstartCommand } from "./commands/quickstart.js";
import { reportsCommand } from "./commands/report.js";
import { reproduceCommand } from "./commands/reproduce.js";
import { sampleCommand } from "./commands/sample.js";
import { statusCommand } from "./commands/status.js";
import { studyCommand } from "./commands/study.js";
import { upCommand } from "./commands/up.js";
import { workerCommand } from "./commands/worker.js";
import { runProgram } from "./run-program.js";

const program = new Command("touchstone")
  .description("Measures how much the choice of calibration data matters when a language model is compressed.")
  // `bench` and `bench solve` both have --only.
  .enablePositionalOptions()
  .addCommand(quickstartCommand())
  .addCommand(studyCommand())
  .addCommand(reportsCommand())
  .addCommand(workerCommand())
  .addCommand(upCommand())
  .addCommand(downCommand())
  .addCommand(statusCommand())
  .addCommand(doctorCommand())
  .addCommand(gcCommand())
  .addCommand(codecServerCommand())
  .addCommand(dataCommand())
  .addCommand(sampleCommand())
  .addCommand(inspectCommand())
  .addCommand(compressCommand())
  .addCommand(exportCommand())
  .addCommand(publishCommand())
  .addCommand(reproduceCommand())
  .addCommand(evaluateCommand())
  .addCommand(perplexityCommand())
  .addCommand(forwardCommand())
  .addCommand(layerCommand())
  .addCommand(benchCommand());

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

await runProgram(() => program.parseAsync());
