import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { type Checker, checkerProgram, checkers } from "../../infra/checkers.js";
import { command } from "../../infra/commands.js";
import { checkoutFolder } from "../../storage/home.js";

// The tools' own checkers on what can't be run here: npm run check:infra.

const infra = join(checkoutFolder, "infra");
const overlays = ["cpu", "gpu"];
/** The oldest and the newest Kubernetes whose schemas the manifests must fit. */
const KUBERNETES = ["1.30", "1.37"];

const missing = checkers.filter((checker) => !existsSync(checkerProgram(checker)));
const skip = missing.length > 0 && `${missing.join(", ")} can't be installed here`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "touchstone-manifests-"));
});
after(() => rm(folder, { recursive: true }));

function check(checker: Checker, args: readonly string[], env?: Record<string, string>): Promise<string> {
  const options = env === undefined ? {} : { env: { ...process.env, ...env } };
  return command(checkerProgram(checker), args, "Change what it complains of.", options);
}

const rendered = (overlay: string) => check("kubectl", ["kustomize", join(infra, "kubernetes", "overlays", overlay)]);

const workerSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({
            args: z.array(z.string()),
            resources: z.object({ limits: z.record(z.string(), z.string()) }),
          }),
        ]),
      }),
    }),
  }),
});

/** What KEDA's documentation (2.22) has of the fields in use: its own checker runs in clusters only. */
const scalerSchema = z.strictObject({
  scaleTargetRef: z.strictObject({ name: z.string() }),
  pollingInterval: z.int(),
  cooldownPeriod: z.int(),
  minReplicaCount: z.int(),
  maxReplicaCount: z.int().positive(),
  advanced: z.strictObject({ horizontalPodAutoscalerConfig: z.strictObject({ behavior: z.object({}).loose() }) }),
  triggers: z
    .array(
      z.strictObject({
        type: z.literal("temporal"),
        metadata: z.strictObject({
          endpointFromEnv: z.string(),
          namespace: z.string(),
          taskQueue: z.string(),
          queueTypes: z.enum(["workflow", "activity"]),
          targetQueueSize: z.stringFormat("count", /^[1-9]\d*$/),
        }),
      }),
    )
    .min(1),
});

interface KubernetesObject {
  kind: string;
  spec?: unknown;
}

test("hadolint has nothing to say of the Dockerfile", { skip }, async () => {
  assert.equal(await check("hadolint", [join(infra, "container", "Dockerfile")]), "");
});

test("docker-compose takes the Compose file with all its profiles", { skip }, async () => {
  const env = { POSTGRES_PASSWORD: "p", AWS_ACCESS_KEY_ID: "k", AWS_SECRET_ACCESS_KEY: "s" };
  await check("docker-compose", ["-f", join(infra, "compose", "compose.yaml"), "--profile", "*", "config", "-q"], env);
});

for (const overlay of overlays) {
  test(`the overlay ${overlay} fits the schemas of Kubernetes and of KEDA, with no key that they don't know`, {
    skip,
  }, async () => {
    const documents = parseAllDocuments(await rendered(overlay));
    const objects = documents.map((document) => document.toJS() as KubernetesObject);
    const scalers = objects.filter(({ kind }) => kind === "ScaledObject");
    const names = scalers.map(({ spec }) => scalerSchema.parse(spec).scaleTargetRef.name);
    const workers = objects.filter(({ kind }) => kind === "Deployment").map((each) => workerSchema.parse(each));
    assert.deepEqual(
      names,
      workers.map(({ metadata }) => metadata.name),
    );
    const file = join(folder, `${overlay}.yaml`);
    const own = documents.filter((document) => document.get("kind") !== "ScaledObject");
    await writeFile(file, own.map((document) => String(document)).join("---\n"));
    const versions = KUBERNETES.flatMap((version) => ["--kubernetes-version", version]);
    await check("kubernetes-validate", ["--strict", ...versions, file]);
  });

  test(`workers of the overlay ${overlay} have a core a thread, and those that compute agree on the threads`, {
    skip,
  }, async () => {
    const objects = parseAllDocuments(await rendered(overlay)).map((document) => document.toJS() as KubernetesObject);
    const workers = objects.filter(({ kind }) => kind === "Deployment").map((each) => workerSchema.parse(each));
    const threads = new Set<number>();
    for (const { metadata, spec } of workers) {
      const [{ args, resources }] = spec.template.spec.containers;
      const count = (name: string) => Number(args.find((arg) => arg.startsWith(`--${name}=`))?.split("=")[1]);
      assert.equal(count("slots") * count("threads"), Number(resources.limits.cpu), metadata.name);
      if (/^(compute|evaluation)-/.test(metadata.name)) threads.add(count("threads"));
    }
    assert.equal(threads.size, 1);
  });
}
