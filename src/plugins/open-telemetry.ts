/**
 * Calls, batches and statements as spans of OpenTelemetry.
 *
 * A batch serves many calls, so its span is linked to theirs; it is the child of the first of them that is sampled, so that
 * a trace of one call shows the statements that served it. What a span says is what was done, never to what: no values,
 * no messages, no parameters.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ReportedCall } from "./request-report.ts";
import { traceStatements } from "./statement-spans.ts";
import type { TracedPool, Tracing } from "./tracing.ts";

/** Codes that are the server's fault; a refused call is a good answer. */
const SERVER_FAULTS: ReadonlySet<string> = new Set([
  "unknown",
  "internal",
  "data_loss",
  "unavailable",
  "unimplemented",
]);

export class OpenTelemetry implements Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #active = new AsyncLocalStorage<Context>();
  readonly #spans = new WeakMap<FastifyRequest, Span>();

  constructor() {
    const resource = defaultResource()
      .merge(resourceFromAttributes({ "service.name": "finance-service" }))
      .merge(detectResources({ detectors: [envDetector] }));
    const spanProcessors = [new BatchSpanProcessor(new OTLPTraceExporter())];
    this.#provider = new BasicTracerProvider({ resource, spanProcessors });
    this.#tracer = this.#provider.getTracer("finance-service");
  }

  begin(request: FastifyRequest, reply: FastifyReply): void {
    // Probes, scrapes and preflights tell nothing.
    if (request.method !== "POST") return;
    const parent = this.#propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
    const attributes = { "http.request.method": request.method };
    const span = this.#tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent);
    this.#spans.set(request, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    // https://w3c.github.io/trace-context/#traceresponse-header
    reply.header("traceresponse", `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`);
  }

  end(request: FastifyRequest, call: ReportedCall | undefined): string | undefined {
    const span = this.#spans.get(request);
    if (span === undefined) return undefined;
    if (call !== undefined) describe(span, call);
    span.end();
    return span.spanContext().traceId;
  }

  within<T>(request: FastifyRequest, work: () => T): T {
    const span = this.#spans.get(request);
    return span === undefined ? work() : this.#active.run(trace.setSpan(ROOT_CONTEXT, span), work);
  }

  origin(): SpanContext | undefined {
    const context = this.#active.getStore();
    return context === undefined ? undefined : trace.getSpanContext(context);
  }

  async run<T>(kind: string, origins: readonly unknown[], work: () => Promise<T>): Promise<T> {
    const callers = origins.filter(isSampled);
    const [first] = callers;
    // Nobody follows any of its calls.
    if (first === undefined) return await this.#active.run(ROOT_CONTEXT, work);
    const span = this.#tracer.startSpan(
      `batch ${kind}`,
      {
        links: callers.map((context) => ({ context })),
        attributes: { "ledger.batch.callers": origins.length },
      },
      trace.setSpanContext(ROOT_CONTEXT, first),
    );
    try {
      return await this.#active.run(trace.setSpan(ROOT_CONTEXT, span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  watch(pool: TracedPool): void {
    traceStatements(pool, (name) => {
      const context = this.#active.getStore();
      if (context === undefined || trace.getSpan(context) === undefined) return undefined;
      const attributes = { "db.system.name": "postgresql", "db.query.summary": name };
      return this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context);
    });
  }

  async stop(): Promise<void> {
    await this.#provider.shutdown();
  }
}

function describe(span: Span, { rpc, method, code, status }: ReportedCall): void {
  if (rpc !== "") {
    span.updateName(rpc);
    span.setAttributes({ "rpc.service": rpc.slice(0, rpc.lastIndexOf("/")), "rpc.method": method });
  }
  span.setAttributes({ "rpc.system": "twirp", "rpc.twirp.code": code, "http.response.status_code": status });
  if (code !== "ok") span.setAttribute("error.type", code);
  if (SERVER_FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

function isSampled(origin: unknown): origin is SpanContext {
  return (
    typeof origin === "object" &&
    origin !== null &&
    "traceFlags" in origin &&
    (Number(origin.traceFlags) & TraceFlags.SAMPLED) !== 0
  );
}
