/** What a record asks of a model. */
export type Question =
  /** Which of the choices continues the context. */
  | { form: "choices"; context: string; choices: readonly string[]; gold: number }
  /** After which of the contexts the continuation stands. */
  | { form: "contexts"; contexts: readonly string[]; continuation: string; gold: number }
  /** Whether the model would write the target after the context. */
  | { form: "completion"; context: string; target: string };

/** A continuation to score after a context. */
export interface Request {
  context: string;
  continuation: string;
}

/** The requests of a question, one a choice. A space stands between context and continuation. */
export function requestsOf(question: Question): Request[] {
  switch (question.form) {
    case "choices":
      return question.choices.map((choice) => ({ context: question.context, continuation: ` ${choice}` }));
    case "contexts":
      return question.contexts.map((context) => ({ context, continuation: ` ${question.continuation}` }));
    case "completion":
      return [{ context: question.context, continuation: ` ${question.target}` }];
  }
}
