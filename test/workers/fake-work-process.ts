import { TouchstoneError } from "../../study/errors.js";
import { serveWork } from "../../workers/serve-work.js";

/** Entry of a work process that doubles numbers, tells them before, and refuses or dies where that is asked. */
await serveWork<number | "refuse" | "die", number, string>(async (work, tell) => {
  if (work === "die") process.kill(process.pid, "SIGKILL");
  if (work === "refuse" || work === "die") throw new TouchstoneError("InvalidData", { what: "not this one" });
  tell(`doubling ${work}`);
  return 2 * work;
});
process.exit(0);
