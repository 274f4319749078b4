import { type CalibrationUsed, MADE_OF_FILE, type MadeOf, SET_FILE } from "./made-of.js";

export const CARD_FILE = "README.md";

export interface CardFacts {
  /** How the linears are stored, in words. */
  storage: string;
  /** Whether the calibration set lies beside the model. */
  hasSet: boolean;
  /** What whoever runs the model should know. */
  notes?: readonly string[];
  /** What else the card says, Markdown. */
  sections?: readonly string[];
}

/** The model card: what the model was made of, and with which calibration set (Markdown). */
export function modelCard(madeOf: MadeOf, { storage, hasSet, notes = [], sections = [] }: CardFacts): string {
  const { model, settings, calibration, bitsPerWeight, sparsity, cell } = madeOf;
  const { method, ...rest } = settings;
  const facts: [string, string][] = [
    ["dense model", `${model.name}, SHA-256 of its weights ${code(model.digest)}`],
    ["method", method],
    ["settings", Object.entries(rest).flatMap(setting).join(", ")],
    ["linears", storage],
    [
      "packed size",
      `${bitsPerWeight.toFixed(3)} bits a weight, ${(100 * sparsity).toFixed(1)} % of the weights are zero`,
    ],
    ...(cell === undefined ? [] : [["cell of the study", code(cell)] as [string, string]]),
  ];
  return [
    `# ${model.name}, compressed with ${method}`,
    "The linears of its transformer blocks were compressed by Touchstone; embeddings, norms and the output head are the dense model's.",
    table(facts),
    ...notes,
    "## Calibration set",
    ...(calibration === null ? ["None: this method looks at no data."] : calibrationText(calibration, hasSet)),
    ...sections,
    `The same for programs: \`${MADE_OF_FILE}\`.`,
    "",
  ].join("\n\n");
}

function calibrationText({ digest, sequences, length, drawn }: CalibrationUsed, hasSet: boolean): string[] {
  const facts: [string, string][] = [
    ["SHA-256 of the token ids", code(digest)],
    ["size", `${sequences} sequences of ${length} tokens`],
  ];
  if (drawn !== null) {
    const { id, ...source } = drawn.source;
    const origin = Object.entries(source).flatMap(setting).join(", ");
    facts.push(["source", origin === "" ? id : `${id} (${origin})`], ["seed", String(drawn.seed)]);
    facts.push(["set", `${drawn.index} of its source, counted from 0`]);
  }
  return [
    "How good a compressed model is depends on the data that it was compressed on, so results should be quoted with the set:",
    table(facts),
    hasSet
      ? `The set is beside the model: \`${SET_FILE}\`, an Arrow file with the token ids of every sequence, its document and its offset.`
      : "Where these tokens are from is not known, and the set is not beside the model.",
  ];
}

function setting([key, value]: [string, unknown]): string[] {
  return value === undefined ? [] : [`${key} ${String(value)}`];
}

function table(rows: readonly (readonly [string, string])[]): string {
  return [
    "| | |",
    "| --- | --- |",
    ...rows.map(([name, value]) => `| ${name} | ${value.replaceAll("|", "\\|")} |`),
  ].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
