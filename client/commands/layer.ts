import { Command } from "commander";
import { compressCase, readCase, writeCase } from "../../compression/layer-case.js";
import { loadBackend } from "../../tensor/backend.js";
import { METHOD_HELP, parseMethod } from "./method-option.js";
import { printJson } from "./output.js";

interface LayerOptions {
  method: string;
  out: string;
  json?: boolean;
}

/** `touchstone layer`: a method on one linear layer with given inputs, to compare with other implementations. */
export function layerCommand(): Command {
  return new Command("layer")
    .description("compress one linear layer with given inputs")
    .argument("<case>", "safetensors with weight [out, in] and inputs [sequences, tokens, in], local or s3://")
    .requiredOption("--method <json>", METHOD_HELP)
    .requiredOption("--out <file>", "safetensors file for the compressed weight and what the method stores")
    .option("--json", "print one JSON document")
    .action(async (path: string, { method, out, json }: LayerOptions) => {
      const settings = parseMethod(method);
      const layerCase = await readCase(path);
      await loadBackend();
      const started = performance.now();
      const { compressed, error } = compressCase(layerCase, settings);
      const seconds = (performance.now() - started) / 1000;
      await writeCase(out, layerCase.layer, compressed);
      if (json) printJson({ error, seconds });
      else process.stdout.write(`error ${error}\nseconds ${seconds.toFixed(3)}\n`);
    });
}
