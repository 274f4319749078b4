/** A name that wasn't used for so long has probably no further steps. */
const LATELY_MS = 3000;
const FORGET_MS = 600_000;

/** Which place the steps of each name went to. */
export class Homes {
  readonly #now: () => number;
  readonly #homes = new Map<string, { place: number; used: number }>();

  /** @param now milliseconds of a clock that never jumps */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  find(name: string | undefined): number | undefined {
    return name === undefined ? undefined : this.#homes.get(name)?.place;
  }

  use(name: string | undefined, place: number): void {
    const now = this.#now();
    for (const [old, { used }] of this.#homes) if (now - used > FORGET_MS) this.#homes.delete(old);
    if (name !== undefined) this.#homes.set(name, { place, used: now });
  }

  /** How many names have used a place within the last moments. */
  lately(place: number): number {
    const since = this.#now() - LATELY_MS;
    return [...this.#homes.values()].filter((home) => home.place === place && home.used > since).length;
  }
}
