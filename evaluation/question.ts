import type { Span } from "./template.js";

/** What a record asks of a model. */
export type Question = Framing &
  (
    | /** Which of the choices continues the context. */
    { form: "choices"; context: string; choices: readonly string[]; gold: number }
    /** After which of the contexts the continuation stands. */
    | { form: "contexts"; contexts: readonly string[]; continuation: string; gold: number }
    /** Whether the model would write the target after the context: directly after it, so a space is the target's own. */
    | { form: "completion"; context: string; target: string }
  );

interface Framing {
  /** Stands before every context: a task's description, and solved examples. */
  prefix?: string;
  /** Where the record's own texts stand in the context, before what the contexts differ in; the rest is the template's. All of it where not given. */
  texts?: readonly Span[];
  /** Between a context and what is chosen; a space where none is given. */
  delimiter?: string;
}

/** A continuation to score after a context. */
export interface Request {
  context: string;
  continuation: string;
}

/** The requests of a question, one a choice. */
export function requestsOf(question: Question): Request[] {
  const { prefix = "", delimiter = " " } = question;
  switch (question.form) {
    case "choices":
      return question.choices.map((choice) => ({
        context: prefix + question.context,
        continuation: delimiter + choice,
      }));
    case "contexts":
      return question.contexts.map((context) => ({
        context: prefix + context,
        continuation: delimiter + question.continuation,
      }));
    case "completion":
      return [{ context: prefix + question.context, continuation: question.target }];
  }
}
