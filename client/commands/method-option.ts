import { TouchstoneError } from "../../study/errors.js";
import { type MethodSettings, methodSettingsSchema } from "../../study/methods.js";
import { parseOrThrow } from "../../study/parse.js";

export const METHOD_HELP = 'method and settings, JSON such as {"method":"gptq","bits":4}';

/** `--method JSON`. @throws TouchstoneError InvalidSettings, UnknownMethod */
export function parseMethod(text: string): MethodSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidSettings",
      { what: `This is not JSON: ${text}`, where: "--method", todo: `Give ${METHOD_HELP}.` },
      { cause },
    );
  }
  return parseOrThrow(methodSettingsSchema, json, "InvalidSettings", "--method");
}
