import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TouchstoneError } from "../../study/errors.js";
import { redacted, secretPlace } from "../../study/secrets.js";
import { parseStudySpec } from "../../study/spec.js";
import { exampleInput } from "./example.js";

const SECRETS = ["wJalrXUtnFEMIK7MDENGbPxRfiCY", "dGhpcyBpcyBhIGtleSBvZiAzMiBieXRlcw"];
before(() => {
  process.env.AWS_SECRET_ACCESS_KEY = SECRETS[0];
  process.env.OTEL_EXPORTER_OTLP_HEADERS = `authorization=Basic ${SECRETS[1]},x-scope=a`;
});
after(() => {
  delete process.env.AWS_SECRET_ACCESS_KEY;
  delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
});

const hidden = [
  ["https://user:hunter2@host/x", "https://[hidden]@host/x"],
  ["https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&X-Amz-Date=1", "X-Amz-Signature=[hidden]&X-Amz-Date=[hidden]"],
  ["token hf_abcdefghijklmnop.", "token [hidden]."],
  ["key AKIAIOSFODNN7EXAMPLE", "key [hidden]"],
  ["Authorization: Bearer abcdefgh12345678", "Bearer [hidden]"],
  ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", "[hidden]"],
];

for (const [text, shown] of hidden) {
  test(`hidden: ${shown}`, () => assert.ok(redacted(text).endsWith(shown), redacted(text)));
}

test("what the environment holds is hidden whatever its form, in errors too", () => {
  for (const secret of SECRETS) {
    assert.equal(redacted(`refused: ${secret}!`), "refused: [hidden]!");
    const error = new TouchstoneError("StorageDenied", { what: `No: ${secret}`, where: secret, todo: secret });
    assert.ok(!JSON.stringify([error.message, error.problem, error.stack]).includes(secret));
  }
});

test("ordinary texts stay", () => {
  for (const text of [
    "s3://bucket/a@b.jsonl",
    "/data/user:x@y",
    "mailto me@example.org",
    "hf_a",
    "http://127.0.0.1:8333",
  ])
    assert.equal(redacted(text), text);
});

test("a specification with a credential anywhere is refused, with its place and without it", () => {
  assert.equal(secretPlace(exampleInput()), undefined);
  for (const [secret] of [...hidden, [SECRETS[0]]]) {
    const specification = {
      ...exampleInput(),
      sources: [
        { id: "a", path: "x.jsonl" },
        { id: "b", path: secret },
      ],
    };
    assert.throws(
      () => parseStudySpec(specification),
      (error: unknown) =>
        error instanceof TouchstoneError &&
        /sources\[1\]\.path holds a credential/.test(error.message) &&
        !error.message.includes(secret),
    );
  }
});
