import { spawn } from "node:child_process";
import { join } from "node:path";
import { Command } from "commander";
import { checkoutFolder } from "../../storage/home.js";
import { useServices } from "../services.js";

/** `touchstone worker`: a worker in the foreground; its own options are those of the worker program. */
export function workerCommand(): Command {
  return new Command("worker")
    .description("run a worker in the foreground until it is ended (touchstone worker --help lists its options)")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[options...]")
    .action(async (_, __, command: Command) => {
      if (!command.args.includes("--help")) await useServices();
      const child = spawn(process.execPath, [join(checkoutFolder, "dist", "workers", "main.js"), ...command.args], {
        stdio: "inherit",
      });
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
      process.exitCode = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    });
}
