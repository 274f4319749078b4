interface Metric {
  kind: "counter" | "gauge" | "histogram";
  description: string;
}

/** What workers measure beside Temporal's own metrics. Prometheus has `_total` behind a counter's name. */
export const metrics = {
  touchstone_blocks: { kind: "counter", description: "Blocks compressed and stored" },
  touchstone_phase_seconds: {
    kind: "histogram",
    description: "Duration of a phase of a block (read, capture, solve, forward, write) or of an evaluation (evaluate)",
  },
  touchstone_requests: { kind: "counter", description: "Evaluation requests scored, without those that were stored" },
  touchstone_store_bytes: { kind: "counter", description: "Bytes read from and written to the object store" },
  touchstone_store_wait_seconds: {
    kind: "counter",
    description: "Seconds that steps have waited for an object store that did not answer",
  },
  touchstone_process_memory_bytes: { kind: "gauge", description: "Resident memory of each process of the worker" },
  touchstone_event_loop_lag_seconds: {
    kind: "gauge",
    description: "Longest delay of the event loop in the last seconds; compute processes block theirs on purpose",
  },
  touchstone_compute_ends: { kind: "counter", description: "Compute processes that ended while they were needed" },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
