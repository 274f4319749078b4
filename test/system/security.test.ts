import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { connectTemporal } from "../../client/temporal-client.js";
import { Touchstone } from "../../client/touchstone.js";
import { checkoutFolder, homePath } from "../../storage/home.js";
import { openStore } from "../../storage/store.js";
import type { StudySpecInput } from "../../study/spec.js";
import { currentWorker, startWorker, useSystem } from "./harness.js";
import { outcome, within } from "./observe.js";
import { refusingProxy } from "./refusing-proxy.js";
import { skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";
import { authority, tlsFront } from "./tls-front.js";

// Credentials of every kind in the environment, an encrypted history, TLS before both services, and a key of the store that may
// not delete: a study runs to its end, another fails, and no credential is found anywhere.

const secret = () => randomBytes(24).toString("hex");
const planted: Record<string, string> = {
  TEMPORAL_API_KEY: secret(),
  HF_TOKEN: `hf_${secret()}`,
  TOUCHSTONE_CODEC_KEY: `first:${randomBytes(32).toString("base64")}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secret()}`,
};

const proxy = await refusingProxy();
const [temporalFront, storeFront] = [await tlsFront(), await tlsFront()];

/** A worker that reaches both services by TLS alone, with an authority of one's own. */
const startTlsWorker = (environment: Record<string, string> = {}) =>
  startWorker([], {
    TEMPORAL_ADDRESS: `localhost:${temporalFront.port}`,
    TEMPORAL_TLS: "true",
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority,
    S3_ENDPOINT: `https://localhost:${storeFront.port}`,
    NODE_EXTRA_CA_CERTS: authority,
    ...environment,
  });

const system = useSystem({
  worker: false,
  prepare: async () => {
    // An API key switches TLS on, which the development server hasn't.
    Object.assign(process.env, planted, { TEMPORAL_TLS: "false" });
    proxy.target = process.env.S3_ENDPOINT ?? "";
    process.env.S3_ENDPOINT = proxy.endpoint;
    storeFront.target = Number(new URL(proxy.endpoint).port);
    temporalFront.target = Number(process.env.TEMPORAL_ADDRESS?.split(":").at(-1));
    // Those that the harness connected before know no key.
    system.temporal = await connectTemporal();
    system.touchstone = await Touchstone.connect();
    await startTlsWorker();
  },
});
/** Limits are for machines on which much else runs. */
const SECONDS = 900;
const options = { skip, timeout: SECONDS * 1000 };

const small = (name: string): StudySpecInput =>
  smallStudy(system, name, {
    methods: [{ method: "rtn" }],
    calibration: { sizes: [4] },
    checkpoints: { prefix: name, activations: "every 1 block" },
    evaluation: { tasks: [] },
  });

/** What the command line says of a specification, on both streams. */
async function touchstone(...args: string[]): Promise<string> {
  const cli = join(checkoutFolder, "dist", "client", "cli.js");
  const run = promisify(execFile)(process.execPath, [cli, ...args], { timeout: SECONDS * 1000 });
  return run.then(
    ({ stdout, stderr }) => stdout + stderr,
    ({ stdout, stderr }) => stdout + stderr,
  );
}

function file(name: string, specification: object): string {
  const path = join(system.folder, `${name}.study.json`);
  writeFileSync(path, JSON.stringify(specification));
  return path;
}

const said: string[] = [];

test(
  "over TLS, with a key that may not delete, a study runs to its end; what is kept is said once",
  options,
  async () => {
    proxy.refused = new Set(["DELETE"]);
    said.push(await touchstone("study", "start", file("kept", small("kept"))));
    assert.equal((await outcome(system.touchstone.study("kept"), SECONDS)).failed, 0);
    assert.ok(temporalFront.connections > 0 && storeFront.connections > 0);
    assert.ok(proxy.refusals > 0, "something was to be removed");
    const told = readFileSync(currentWorker().log, "utf8").match(/key may not delete/g) ?? [];
    assert.ok(told.length >= 1 && told.length <= 2, `once a process: ${told.length}`);
  },
);

test("a key that may not write fails at once, and says so", options, async () => {
  proxy.refused = new Set(["PUT", "DELETE"]);
  said.push(await touchstone("study", "start", file("read-only", small("read-only"))));
  await assert.rejects(system.touchstone.study("read-only").result(), { name: "StorageDenied" });
  proxy.refused = new Set();
});

test("specifications with credentials are refused before they are sent", options, async () => {
  const spec = small("credentials");
  for (const path of [`https://user:${planted.HF_TOKEN}@example.org/x.jsonl`, `/data/${planted.TEMPORAL_API_KEY}`]) {
    const told = await touchstone("study", "start", file("refused", { ...spec, sources: [{ id: "a", path }] }));
    assert.match(told, /InvalidStudySpec: sources\[0\]\.path holds a credential/);
    said.push(told);
  }
});

test("a worker without the key ends and says which it lacks; one with it goes on", options, async () => {
  currentWorker().kill("SIGTERM");
  await currentWorker().ended;
  const study = await system.touchstone.start(small("waits"));
  const keyless = await startTlsWorker({ TOUCHSTONE_CODEC_KEY: "" });
  assert.equal(await within(SECONDS * 1000, keyless.ended), 1);
  assert.match(readFileSync(keyless.log, "utf8"), /key \\?"first\\?".*TOUCHSTONE_CODEC_KEY/);
  await startTlsWorker();
  assert.equal((await outcome(study, SECONDS)).failed, 0);
});

test(
  "histories show names and figures only; no credential is in them, logs, the store, reports or what was said",
  options,
  async () => {
    const ids: string[] = [];
    for await (const { workflowId } of system.temporal.workflow.list()) ids.push(workflowId);
    assert.ok(ids.length > 5);
    const histories = await Promise.all(
      ids.map(async (id) => JSON.stringify(await system.temporal.workflow.getHandle(id).fetchHistory())),
    );
    for (const history of histories) {
      assert.ok(!history.includes(Buffer.from("corpora").toString("base64").slice(0, -4)), "a path is readable");
      assert.ok(!/refuses the credentials/.test(history), "a failure is readable");
    }
    const logs = readdirSync(homePath("logs")).map((name) => readFileSync(homePath("logs", name), "utf8"));
    const store = openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: "" });
    const texts = (await store.list("")).filter((key) => !key.endsWith(".arrow"));
    const stored = await Promise.all(texts.map(async (key) => Buffer.from((await store.read(key)) ?? []).toString()));
    assert.ok(logs.length > 0 && stored.length > 5);
    const everything = [...histories, ...logs, ...stored, ...said].join("\n");
    const parts = Object.values({ ...planted, AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? "" });
    for (const value of parts.flatMap((text) => [text, ...text.split(/[:=]/)]).filter((text) => text.length >= 16)) {
      assert.ok(!everything.includes(value), "a planted credential is found");
      assert.ok(!everything.includes(Buffer.from(value).toString("base64").slice(0, -4)), "and in base64");
    }
  },
);
