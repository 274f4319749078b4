import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import type { ActivityInterceptorsFactory } from "@temporalio/worker";
import { stepPlace } from "../activities/step-place.js";

export interface Tracing {
  interceptor: ActivityInterceptorsFactory;
  /** Sends what has not been sent yet. */
  end(): Promise<void>;
}

/**
 * A span for each attempt of an activity, sent by OTLP over HTTP; address, sampler and resource by the standard `OTEL_` variables.
 * Spans are the worker's alone: nothing is added to workflows or their histories.
 * @returns undefined unless TOUCHSTONE_TRACES is 1; nothing is loaded then
 */
export async function startTracing(): Promise<Tracing | undefined> {
  if (process.env.TOUCHSTONE_TRACES !== "1") return undefined;
  const { BasicTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-base");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { detectResources, envDetector, hostDetector, resourceFromAttributes } = await import(
    "@opentelemetry/resources"
  );
  const named = resourceFromAttributes({ "service.name": "touchstone", "process.pid": process.pid });
  const provider = new BasicTracerProvider({
    resource: named.merge(detectResources({ detectors: [hostDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  return { interceptor: traced(provider.getTracer("touchstone")), end: () => provider.shutdown() };
}

/** One trace for each run of a workflow: its run id has as many bits as a trace's, so all workers agree without being told. */
function traced(tracer: Tracer): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        const traceId = (info.workflowExecution?.runId ?? "").replaceAll("-", "");
        const run = { traceId, spanId: traceId.slice(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
        const attributes = {
          ...stepPlace(input.args[0]),
          "temporal.workflow_id": info.workflowExecution?.workflowId,
          "temporal.attempt": info.attempt,
          "temporal.task_queue": info.taskQueue,
        };
        const options = { kind: SpanKind.CONSUMER, attributes };
        const span = tracer.startSpan(info.activityType, options, trace.setSpanContext(ROOT_CONTEXT, run));
        try {
          return await next(input);
        } catch (error) {
          const type = error instanceof ApplicationFailure ? error.type : undefined;
          if (!(error instanceof CancelledFailure))
            span.setStatus({ code: SpanStatusCode.ERROR, message: type ?? String(error) });
          throw error;
        } finally {
          span.end();
        }
      },
    },
  });
}
