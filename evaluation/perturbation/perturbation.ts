/** What a perturbation may draw on. The same draws at another strength change the same places, more of them or fewer. */
export interface Chance {
  /** Share of places that are changed, 0..1. */
  readonly strength: number;
  /** The next random number in [0, 1). */
  draw(): number;
  /** A sentence that stands in other records of the task and not in this one, determined by `at` in [0, 1). */
  irrelevantSentence(at: number): string;
}

/** One way in which the inputs of a task go wrong. */
export interface Perturbation {
  readonly name: string;
  /** Raised when the same seed gives other texts. */
  readonly version: number;
  /**
   * The texts of one question, changed. As many numbers are drawn at every strength, so that what is changed at one is
   * changed at every larger one.
   */
  perturb(texts: readonly string[], chance: Chance): string[];
}

/** How a task's inputs are perturbed. */
export interface PerturbationSetting {
  readonly perturbation: Perturbation;
  readonly strength: number;
  /** Of so many perturbed variants of a record the one counts that is hardest for the model. */
  readonly variants: number;
}

/** A perturbation that changes each text by itself. */
export function textPerturbation(
  name: string,
  version: number,
  perturb: (text: string, chance: Chance) => string,
): Perturbation {
  return { name, version, perturb: (texts, chance) => texts.map((text) => perturb(text, chance)) };
}

/**
 * The pieces joined, each changed with the probability `strength`.
 * @param change what a piece becomes, determined by `how` in [0, 1); the piece itself where there is nothing to change
 */
export function changePieces(
  pieces: readonly string[],
  { strength, draw }: Chance,
  change: (piece: string, how: number) => string,
): string {
  return pieces
    .map((piece) => {
      const [place, how] = [draw(), draw()];
      return place < strength ? change(piece, how) : piece;
    })
    .join("");
}

/** The item that `at` in [0, 1) falls on. */
export function pick<T>(items: readonly T[], at: number): T {
  return items[Math.floor(at * items.length)];
}
