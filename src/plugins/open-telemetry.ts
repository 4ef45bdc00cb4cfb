/**
 * Traces calls, batches and statements by OpenTelemetry.
 *
 * A batch serves many calls, so its span is linked to theirs. It is the child of the first call that is sampled, so that
 * the trace of one call shows the statements that served it. Spans say what was done, never to what: no values, messages
 * or parameters.
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
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { CallOutcome } from "../../packages/twirp/src/index.ts";

/** A pool of node-postgres. */
interface TracedPool {
  on(event: "acquire", listener: (client: object) => void): unknown;
}

type Query = (...args: unknown[]) => unknown;

/**
 * Makes a span of each statement on the connections of a pool.
 *
 * @param start makes the span of a statement by its name; undefined when the statement is not traced.
 */
function traceStatements(pool: TracedPool, start: (name: string) => Span | undefined): void {
  const traced = new WeakSet<object>();
  // The pool may lend a connection that it has lent before.
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

/** node-postgres calls a callback when it is given one, as by its own pool, and returns a promise otherwise. */
function follow(span: Span, query: Query, args: unknown[]): unknown {
  const callback = args.at(-1);
  if (typeof callback === "function") {
    return query(...args.slice(0, -1), (error: unknown, result: unknown) => {
      end(span, error ?? undefined);
      callback(error, result);
    });
  }
  const result = query(...args);
  Promise.resolve(result).then(
    () => end(span, undefined),
    (error: unknown) => end(span, error),
  );
  return result;
}

/** Records the SQLSTATE of an error, not its text, which may hold values. */
function end(span: Span, error: unknown): void {
  if (error !== undefined) {
    const hasCode = typeof error === "object" && error !== null && "code" in error && typeof error.code === "string";
    span.setAttribute("error.type", hasCode ? String(error.code) : "connection");
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** The name of a prepared statement, else the first word, because the text may hold values. */
function nameOf(statement: unknown): string {
  if (typeof statement === "string") return firstWord(statement);
  if (typeof statement !== "object" || statement === null) return "statement";
  if ("name" in statement && typeof statement.name === "string") return statement.name;
  return "text" in statement && typeof statement.text === "string" ? firstWord(statement.text) : "statement";
}

function firstWord(text: string): string {
  return /[a-z]+/i.exec(text)?.[0].toLowerCase() ?? "statement";
}

/** The traces of one process. */
export type Tracing = OpenTelemetry;

export class OpenTelemetry {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #active = new AsyncLocalStorage<Context>();
  readonly #spans = new WeakMap<FastifyRequest, Span>();

  /** @param headers for the receiver, `name=value,...`; those of the environment come after these. */
  constructor(headers = "") {
    const resource = defaultResource()
      .merge(resourceFromAttributes({ "service.name": "finance-service" }))
      .merge(detectResources({ detectors: [envDetector] }));
    const spanProcessors = [
      new BatchSpanProcessor(new OTLPTraceExporter({ headers: parseKeyPairsIntoRecord(headers) })),
    ];
    this.#provider = new BasicTracerProvider({ resource, spanProcessors });
    this.#tracer = this.#provider.getTracer("finance-service");
  }

  /** Starts the span of a request, a child of the caller's `traceparent`, and names it in the reply's `traceresponse`. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    // Probes, scrapes and preflights are not traced.
    if (request.method !== "POST") return;
    const parent = this.#propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
    const attributes = { "http.request.method": request.method };
    const span = this.#tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent);
    this.#spans.set(request, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    // https://w3c.github.io/trace-context/#traceresponse-header
    reply.header("traceresponse", `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`);
  }

  /** Ends the span of a request, and returns the id of its trace. */
  end(request: FastifyRequest, call: CallOutcome | undefined): string | undefined {
    const span = this.#spans.get(request);
    if (span === undefined) return undefined;
    if (call !== undefined) describe(span, call);
    span.end();
    return span.spanContext().traceId;
  }

  /** Does `work` as part of the request's span. */
  within<T>(request: FastifyRequest, work: () => T): T {
    const span = this.#spans.get(request);
    return span === undefined ? work() : this.#active.run(trace.setSpan(ROOT_CONTEXT, span), work);
  }

  /** The span that the running code is part of, for `run`. */
  origin(): SpanContext | undefined {
    const context = this.#active.getStore();
    return context === undefined ? undefined : trace.getSpanContext(context);
  }

  /** Does the work of a batch in a span that is linked to the spans of all its callers. */
  async run<T>(kind: string, origins: readonly unknown[], work: () => Promise<T>): Promise<T> {
    const callers = origins.filter(isSampled);
    const [first] = callers;
    // None of its calls is sampled.
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

  /** Makes a span of each statement that is part of another span. */
  watch(pool: TracedPool): void {
    traceStatements(pool, (name) => {
      const context = this.#active.getStore();
      if (context === undefined || trace.getSpan(context) === undefined) return undefined;
      const attributes = { "db.system.name": "postgresql", "db.query.summary": name };
      return this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context);
    });
  }

  /** Sends what is left, and stops. */
  async stop(): Promise<void> {
    await this.#provider.shutdown();
  }
}

function describe(span: Span, { rpc, method, code, status }: CallOutcome): void {
  if (rpc !== "") {
    span.updateName(rpc);
    span.setAttributes({ "rpc.service": rpc.slice(0, rpc.lastIndexOf("/")), "rpc.method": method });
  }
  span.setAttributes({ "rpc.system": "twirp", "rpc.twirp.code": code, "http.response.status_code": status });
  if (code !== "ok") span.setAttribute("error.type", code);
  // A refused call is a good answer.
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

function isSampled(origin: unknown): origin is SpanContext {
  return (
    typeof origin === "object" &&
    origin !== null &&
    "traceFlags" in origin &&
    (Number(origin.traceFlags) & TraceFlags.SAMPLED) !== 0
  );
}
