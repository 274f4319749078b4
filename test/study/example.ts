import { parseStudySpec, type StudySpec, type StudySpecInput } from "../../study/spec.js";

/** A small specification that is right, with parts of it replaced. */
export function exampleInput(changes: Partial<StudySpecInput> = {}): StudySpecInput {
  return {
    name: "example",
    models: [{ id: "toy", path: "/models/toy" }],
    sources: [
      { id: "a", path: "/texts/a.jsonl" },
      { id: "b", path: "/texts/b.jsonl" },
    ],
    methods: [{ method: "rtn" }, { method: "gptq" }, { method: "wanda" }],
    calibration: { sizes: [2, 8], length: 16, sets: 3 },
    evaluation: { tasks: ["piqa"], data: "/benchmarks", perplexity: [{ id: "text", path: "/text.txt" }] },
    ...changes,
  };
}

export function exampleSpec(changes: Partial<StudySpecInput> = {}): StudySpec {
  return parseStudySpec(exampleInput(changes));
}
