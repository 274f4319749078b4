/** What a worker can serve. */
export type QueuePart = "workflows" | "store" | "compression" | "evaluation";

/** What can be named at `--queues`: `orchestration` and `compute` mean what they did when they were all there was. */
export const queueParts = {
  orchestration: ["workflows", "store"],
  store: ["store"],
  compute: ["compression", "evaluation"],
  compression: ["compression"],
  evaluation: ["evaluation"],
} as const satisfies Record<string, readonly QueuePart[]>;

export type QueueName = keyof typeof queueParts;

export const queueNames = Object.keys(queueParts) as readonly QueueName[];
