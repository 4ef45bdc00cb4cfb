import type { Socket } from "node:net";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { CallMetrics } from "./metrics.ts";
import type { ReportedCall, Tracing } from "./tracing.ts";

type Bindings = Parameters<FastifyBaseLogger["child"]>[0];
type ChildOptions = Parameters<FastifyBaseLogger["child"]>[1];

/**
 * For Fastify's `childLoggerFactory`: the logger of one request, whose lines have the request id.
 *
 * Few requests log a line of their own, and a logger that carries the id costs more than the rest of their logging, so
 * that it is made with the first line.
 */
export function requestLog(parent: FastifyBaseLogger, bindings: Bindings, options?: ChildOptions): FastifyBaseLogger {
  return new RequestLog(parent, bindings, options);
}

class RequestLog implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Bindings;
  readonly #options: ChildOptions;
  #own: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Bindings, options: ChildOptions) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get level(): string {
    return this.#logger().level;
  }

  set level(level: string) {
    this.#logger().level = level;
  }

  child(bindings: Bindings, options?: ChildOptions): FastifyBaseLogger {
    return this.#logger().child(bindings, options);
  }

  fatal(...line: unknown[]): void {
    this.#write("fatal", line);
  }

  error(...line: unknown[]): void {
    this.#write("error", line);
  }

  warn(...line: unknown[]): void {
    this.#write("warn", line);
  }

  info(...line: unknown[]): void {
    this.#write("info", line);
  }

  debug(...line: unknown[]): void {
    this.#write("debug", line);
  }

  trace(...line: unknown[]): void {
    this.#write("trace", line);
  }

  silent(): void {}

  #write(level: "fatal" | "error" | "warn" | "info" | "debug" | "trace", line: unknown[]): void {
    // pino's own signatures are overloads, which a list of arguments that is passed on does not meet.
    this.#logger()[level](...(line as [string]));
  }

  #logger(): FastifyBaseLogger {
    this.#own ??= this.#parent.child(this.#bindings, this.#options);
    return this.#own;
  }
}

export interface RequestReportOptions {
  readonly log: FastifyBaseLogger;
  readonly calls: Pick<CallMetrics, "record">;
  /** Says what became of a request as a call; undefined when it was none. Asked once the reply is closed. */
  readonly callOf: (request: FastifyRequest) => ReportedCall | undefined;
  /** Default: requests are not traced. */
  readonly tracing?: Pick<Tracing, "begin" | "end"> | undefined;
}

/** Requests whose reply is awaited, and the reports of those that are over. */
export class RequestReport {
  readonly #options: RequestReportOptions;
  // By connection: Node closes no reply that waits behind another one when their connection is lost.
  readonly #open = new WeakMap<Socket, Set<() => void>>();
  #inFlight = 0;

  constructor(options: RequestReportOptions) {
    this.#options = options;
  }

  /** Requests whose reply is neither out nor lost. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Reports a request once it is over: when its reply is out, or when its client has gone before.
   *
   * A call is counted, and logged as one line: which RPC, its code, how long it took, for whom. Anything else is logged
   * with its method and route, at debug when it is a probe, a scrape or a preflight that succeeds. Never bodies, tokens or
   * queries.
   */
  follow(request: FastifyRequest, reply: FastifyReply): void {
    const { tracing } = this.#options;
    tracing?.begin(request, reply);
    const open = this.#openOn(request.raw.socket);
    const over = () => {
      if (!open.delete(over)) return;
      this.#inFlight -= 1;
      const call = this.#options.callOf(request);
      const traceId = tracing?.end(request, call);
      if (call === undefined) this.#logRequest(request, reply);
      else this.#reportCall(call, request, reply, traceId);
    };
    this.#inFlight += 1;
    open.add(over);
    // A reply that is out closes as well.
    reply.raw.on("close", over);
  }

  /** What ends the requests that are open on a connection. */
  #openOn(socket: Socket): Set<() => void> {
    const known = this.#open.get(socket);
    if (known !== undefined) return known;
    const open = new Set<() => void>();
    this.#open.set(socket, open);
    socket.once("close", () => {
      for (const over of open) over();
    });
    return open;
  }

  #reportCall(call: ReportedCall, request: FastifyRequest, reply: FastifyReply, traceId: string | undefined): void {
    const { log, calls } = this.#options;
    const { elapsedTime } = reply;
    calls.record(call.method, call.code, elapsedTime / 1000);
    const { code, status, caller } = call;
    const durationMs = toMicros(elapsedTime);
    // Members that are undefined are left out of a line.
    if (call.rpc === "") {
      log.info({ ...placeOf(request), code, status, durationMs, requestId: request.id, traceId }, ANSWERED);
    } else log.info({ rpc: call.rpc, code, status, durationMs, caller, requestId: request.id, traceId }, ANSWERED);
  }

  #logRequest(request: FastifyRequest, reply: FastifyReply): void {
    const { log } = this.#options;
    const quiet = request.method !== "POST" && reply.statusCode < 400;
    if (quiet && log.level !== "debug" && log.level !== "trace") return;
    const { statusCode: status, elapsedTime } = reply;
    const fields = { ...placeOf(request), status, durationMs: toMicros(elapsedTime), requestId: request.id };
    if (quiet) log.debug(fields, ANSWERED);
    else log.info(fields, ANSWERED);
  }
}

const ANSWERED = "answered";

/** The route's pattern, never the path. */
function placeOf(request: FastifyRequest): { method: string; route: string } {
  return { method: request.method, route: request.routeOptions.url ?? "unmatched" };
}

/** Milliseconds without what is below a microsecond. */
function toMicros(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
