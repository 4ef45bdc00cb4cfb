import type { FastifyReply, FastifyRequest } from "fastify";
import type { ReportedCall } from "./request-report.ts";

/** A pool of node-postgres, as far as its statements are traced. */
export interface TracedPool {
  on(event: "acquire", listener: (client: object) => void): unknown;
}

/** Traces of calls, their batches and their statements. */
export interface Tracing {
  /** Starts the span of a request, the child of the caller's `traceparent`, and says so in the reply's `traceresponse`. */
  begin(request: FastifyRequest, reply: FastifyReply): void;
  /** Ends it, and gives the id of its trace. */
  end(request: FastifyRequest, call: ReportedCall | undefined): string | undefined;
  /** Does `work` as part of the request's span. */
  within<T>(request: FastifyRequest, work: () => T): T;
  /** The span that the running code is part of; see `run`. */
  origin(): unknown;
  /** Does the work of a batch in a span that is linked to those of all callers who share it. */
  run<T>(kind: string, origins: readonly unknown[], work: () => Promise<T>): Promise<T>;
  /** Makes a span of each statement that is part of another span. */
  watch(pool: TracedPool): void;
  /** Sends what is left, and stops. */
  stop(): Promise<void>;
}

/**
 * Traces by OpenTelemetry, sent to the collector at OTEL_EXPORTER_OTLP_ENDPOINT over OTLP/HTTP. Its SDK, which reads the
 * other OTEL_ variables, is loaded only when there is one.
 *
 * @returns undefined when the variable is not set: then nothing is traced.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint } = environment;
  if (!(endpoint || tracesEndpoint) || environment["OTEL_SDK_DISABLED"] === "true") return undefined;
  const { OpenTelemetry } = await import("./open-telemetry.ts");
  return new OpenTelemetry();
}
