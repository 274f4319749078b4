/** What a model gave for one sequence. */
export interface SequenceScore {
  /** Sum over the scored tokens of their log-probabilities (natural logarithm); 0 where there are none. */
  loglikelihood: number;
  /** Whether each scored token was the most probable one. */
  greedy: boolean;
}
