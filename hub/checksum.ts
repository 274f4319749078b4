import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

/** SHA-256 of a file's content, and its checksum of the kind of `like` (`sha256:...` or `git:...`). */
export async function checksums(path: string, like: string): Promise<{ sha256: string; checksum: string }> {
  const sha256 = createHash("sha256");
  // What git names a blob by: SHA-1 of a short head and the content.
  const git = like.startsWith("git:") ? createHash("sha1").update(`blob ${(await stat(path)).size}\0`) : undefined;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    sha256.update(chunk);
    git?.update(chunk);
  }
  const digest = sha256.digest("hex");
  return { sha256: digest, checksum: git === undefined ? `sha256:${digest}` : `git:${git.digest("hex")}` };
}
