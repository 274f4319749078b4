import { readFileSync } from "node:fs";

// Preloaded (`--import`) into a worker and, through its environment, into its compute processes and threads: their `Date` is
// shifted by the milliseconds that the file SHIFTED_CLOCK holds at the moment. Timers and `performance.now` go on as ever, as they
// do where a system's clock is set. What it doesn't reach is native code: TensorFlow, and the core of Temporal's client.

const LOOK_MS = 100;

let shift = 0;
let looked = Number.NEGATIVE_INFINITY;

function shiftedNow(): number {
  if (performance.now() - looked > LOOK_MS) {
    looked = performance.now();
    shift = Number(readFileSync(process.env.SHIFTED_CLOCK ?? "", "utf8"));
  }
  return RealDate.now() + shift;
}

const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget),
  get: (target, key, receiver) => (key === "now" ? shiftedNow : Reflect.get(target, key, receiver)),
});
