import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { TouchstoneError } from "../study/errors.js";
import { type Patience, patientFetch } from "./patient-fetch.js";

/** How the hub is reached. */
export interface Hub {
  /** Without a slash at its end. */
  endpoint: string;
  token: string | undefined;
  /** Nothing may be asked of the network. */
  offline: boolean;
  /** Waits and tries again where the hub asks for it, or fails for a moment. */
  fetch: typeof fetch;
}

/**
 * The hub as the variables of Hugging Face's own programs name it: `HF_ENDPOINT`, `HF_TOKEN` (else the file `HF_TOKEN_PATH`, or
 * `token` in `HF_HOME`, where `hf auth login` leaves it), `HF_HUB_OFFLINE`.
 * @throws TouchstoneError InvalidSettings for a token or an address that can't be one
 */
export async function hubFromEnvironment(env: NodeJS.ProcessEnv = process.env, patience: Patience = {}): Promise<Hub> {
  const endpoint = (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new TouchstoneError("InvalidSettings", {
      what: "This is not the address of a hub",
      where: `HF_ENDPOINT=${endpoint}`,
      todo: "Write https://HOST.",
    });
  }
  return {
    endpoint,
    token: await tokenOf(env),
    offline: /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ""),
    fetch: patientFetch(patience),
  };
}

async function tokenOf(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "huggingface");
  const path = env.HF_TOKEN_PATH || join(home, "token");
  const [where, text] = env.HF_TOKEN
    ? ["HF_TOKEN", env.HF_TOKEN]
    : [path, await readFile(path, "utf8").catch(() => "")];
  const token = text.trim();
  if (token === "") return undefined;
  if (token.startsWith("hf_")) return token;
  throw new TouchstoneError("InvalidSettings", {
    what: "This is not an access token of the hub: those start with hf_",
    where,
    todo: "Make one under https://huggingface.co/settings/tokens, or unset it: most data sets need none.",
  });
}

/** The page of a data set, for people. */
export function datasetPage(hub: Hub, dataset: string): string {
  return `${hub.endpoint}/datasets/${dataset}`;
}
