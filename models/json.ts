import { TouchstoneError } from "../study/errors.js";

/** @throws TouchstoneError InvalidModel where the bytes are no JSON */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidModel",
      { what: "The file is not JSON; it may be truncated", where, todo: "Fetch it again." },
      { cause },
    );
  }
}
