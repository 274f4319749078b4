import { once } from "node:events";
import { Command } from "commander";
import { temporalService } from "../../infra/temporal.js";
import { TouchstoneError } from "../../study/errors.js";
import { codecKeys, payloadCodec } from "../../workers/encryption.js";
import { codecServer } from "../codec-server.js";
import { parseCount } from "./parse-count.js";

/** `touchstone codec-server`: lets the Temporal UI show what TOUCHSTONE_CODEC_KEY encrypts. */
export function codecServerCommand(): Command {
  return new Command("codec-server")
    .description("decrypt histories for the Temporal UI and `temporal --codec-endpoint`, until it is ended")
    .option("--port <number>", "port", parseCount, 8888)
    .option("--host <address>", "interface: 127.0.0.1 is reached from this machine only", "127.0.0.1")
    .option("--origin <url>", "address of the Temporal UI (default: that of the local one)")
    .action(async ({ port, host, origin }: { port: number; host: string; origin?: string }) => {
      const keys = codecKeys();
      if (keys.size === 0) {
        throw new TouchstoneError("InvalidSettings", {
          what: "There is no key to decrypt with",
          where: "TOUCHSTONE_CODEC_KEY",
          todo: "Set it as the workers have it.",
        });
      }
      const ui = origin ?? (await temporalService())?.ui ?? "http://127.0.0.1:8233";
      const server = codecServer({ codec: payloadCodec(keys), origin: ui, token: process.env.TOUCHSTONE_CODEC_TOKEN });
      server.listen(port, host);
      await once(server, "listening");
      process.stderr.write(`http://${host}:${port}, for pages of ${ui}\n`);
    });
}
