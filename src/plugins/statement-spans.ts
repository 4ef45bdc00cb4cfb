import { type Span, SpanStatusCode } from "@opentelemetry/api";
import type { TracedPool } from "./tracing.ts";

type Query = (...args: unknown[]) => unknown;

/**
 * Makes a span of each statement that goes over the connections of a pool.
 *
 * @param start makes the span of a statement by its name, or undefined for one that nobody follows.
 */
export function traceStatements(pool: TracedPool, start: (name: string) => Span | undefined): void {
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
