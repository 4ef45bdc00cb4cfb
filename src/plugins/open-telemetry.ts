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
import type { ReportedCall, TracedPool, Tracing } from "./tracing.ts";

type Query = (...args: unknown[]) => unknown;

/**
 * Makes a span of each statement that goes over the connections of a pool.
 *
 * @param start makes the span of a statement by its name, or undefined for one that nobody follows.
 */
function traceStatements(pool: TracedPool, start: (name: string) => Span | undefined): void {
  const traced = new WeakSet<object>();
  // Connections that the pool had before are lent again as well.
  pool.on("acquire", (client) => {
    if (traced.has(client)) return;
    traced.add(client);
    // node-postgres types `query` as a list of overloads that no function meets.
    const connection = client as { query: Query };
    const query = connection.query;
    connection.query = (...args) => {
      const span = start(nameOf(args[0]));
      return span === undefined ? query.apply(client, args) : follow(span, query.bind(client), args);
    };
  });
}

/** Node-postgres calls back where it is given a function, as by its own pool, and else returns a promise. */
function follow(span: Span, query: Query, args: unknown[]): unknown {
  const callback = args.at(-1);
  if (typeof callback === "function") {
    return query(...args.slice(0, -1), (error: unknown, result: unknown) => {
      end(span, error ?? undefined);
      callback(error, result);
    });
  }
  const result = query(...args);
  if (result instanceof Promise) {
    result.then(
      () => end(span, undefined),
      (error: unknown) => end(span, error),
    );
  } else end(span, undefined);
  return result;
}

/** The error's text may hold values, its SQLSTATE does not. */
function end(span: Span, error: unknown): void {
  if (error !== undefined) {
    const hasCode = typeof error === "object" && error !== null && "code" in error && typeof error.code === "string";
    span.setAttribute("error.type", hasCode ? String(error.code) : "connection");
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** The statement's own name, or its first word: its text may hold values. */
function nameOf(statement: unknown): string {
  if (typeof statement === "string") return firstWord(statement);
  if (typeof statement !== "object" || statement === null) return "statement";
  if ("name" in statement && typeof statement.name === "string") return statement.name;
  return "text" in statement && typeof statement.text === "string" ? firstWord(statement.text) : "statement";
}

function firstWord(text: string): string {
  return /[a-z]+/i.exec(text)?.[0].toLowerCase() ?? "statement";
}

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
