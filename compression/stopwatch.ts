/** Adds up how long the phases of a computation take. */
export class Stopwatch<Phase extends string> {
  readonly seconds: Record<Phase, number>;

  constructor(phases: readonly Phase[]) {
    this.seconds = Object.fromEntries(phases.map((phase) => [phase, 0])) as Record<Phase, number>;
  }

  async time<T>(phase: Phase, run: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await run();
    } finally {
      this.seconds[phase] += (performance.now() - started) / 1000;
    }
  }
}
