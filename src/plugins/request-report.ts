import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { type CallOutcome, callOf } from "../../packages/twirp/src/index.ts";
import type { Metrics } from "./metrics.ts";
import type { Tracing } from "./open-telemetry.ts";

export interface RequestReportOptions {
  readonly log: FastifyBaseLogger;
  readonly metrics: Pick<Metrics, "recordCall">;
  /** The subject who called, once it was authenticated. */
  readonly callerOf: (call: CallOutcome) => string | undefined;
  /** Milliseconds for which the call waited on purpose. */
  readonly waitedMsOf: (call: CallOutcome) => number | undefined;
  /** Default: requests are not traced. */
  readonly tracing?: Pick<Tracing, "begin" | "end"> | undefined;
}

/** Counts the requests in flight, and reports each when it ends. */
export class RequestReport {
  readonly #options: RequestReportOptions;
  /** Pipelined requests by connection: when it is lost, Node does not close replies that wait behind another one. */
  readonly #pipelined = new WeakMap<Socket, Set<() => void>>();
  readonly #uncount = () => {
    this.#inFlight -= 1;
  };
  #inFlight = 0;

  constructor(options: RequestReportOptions) {
    this.#options = options;
  }

  /** Requests whose reply is neither sent nor lost. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether probes, scrapes and preflights that succeed are logged. */
  get isVerbose(): boolean {
    const { level } = this.#options.log;
    return level === "debug" || level === "trace";
  }

  /**
   * Reports a request when its reply was sent, or when its client has gone before.
   *
   * A call is counted, and logged in one line: which RPC, its code, how long it took, for whom. A wait for events does not
   * count, because it is as long as its caller asks. Other requests are logged
   * with their method and route, at debug level when a probe, a scrape or a preflight succeeds. Never bodies, tokens or
   * queries.
   */
  follow(request: FastifyRequest, reply: FastifyReply): void {
    const { tracing } = this.#options;
    tracing?.begin(request, reply);
    // Node assigns the socket to a response once all earlier ones were sent.
    const pipelined = reply.raw.socket === null ? this.#pipelinedOn(request.raw.socket) : undefined;
    let open = true;
    const over = () => {
      if (!open) return;
      open = false;
      pipelined?.delete(over);
      this.#inFlight -= 1;
      const call = callOf(request);
      const traceId = tracing?.end(request, call);
      if (call === undefined) this.#logRequest(request, reply);
      else this.#reportCall(call, request, reply, traceId);
    };
    this.#inFlight += 1;
    pipelined?.add(over);
    // A reply that was sent closes too.
    reply.raw.on("close", over);
  }

  /** Counts a request that is not reported as in flight until its reply is sent or lost. The reply must have its socket. */
  count(response: ServerResponse): void {
    this.#inFlight += 1;
    response.on("close", this.#uncount);
  }

  /** The functions that end the pipelined requests of a connection. */
  #pipelinedOn(socket: Socket): Set<() => void> {
    const known = this.#pipelined.get(socket);
    if (known !== undefined) return known;
    const pipelined = new Set<() => void>();
    this.#pipelined.set(socket, pipelined);
    socket.once("close", () => {
      for (const over of pipelined) over();
    });
    return pipelined;
  }

  #reportCall(call: CallOutcome, request: FastifyRequest, reply: FastifyReply, traceId: string | undefined): void {
    const { log, metrics, callerOf, waitedMsOf } = this.#options;
    const { elapsedTime } = reply;
    const { rpc, code, status } = call;
    const waited = waitedMsOf(call);
    metrics.recordCall(call.method, code, (elapsedTime - (waited ?? 0)) / 1000);
    const waitedMs = waited === undefined ? undefined : toMicros(waited);
    const durationMs = toMicros(elapsedTime);
    const requestId = request.id;
    // pino leaves out members that are undefined.
    if (rpc === "") log.info({ ...placeOf(request), code, status, durationMs, waitedMs, requestId, traceId }, ANSWERED);
    else log.info({ rpc, code, status, durationMs, waitedMs, caller: callerOf(call), requestId, traceId }, ANSWERED);
  }

  #logRequest(request: FastifyRequest, reply: FastifyReply): void {
    const { log } = this.#options;
    const quiet = request.method !== "POST" && reply.statusCode < 400;
    if (quiet && !this.isVerbose) return;
    const { statusCode: status, elapsedTime } = reply;
    const fields = { ...placeOf(request), status, durationMs: toMicros(elapsedTime), requestId: request.id };
    log[quiet ? "debug" : "info"](fields, ANSWERED);
  }
}

const ANSWERED = "answered";

/** The route's pattern, never the path. */
function placeOf(request: FastifyRequest): { method: string; route: string } {
  return { method: request.method, route: request.routeOptions.url ?? "unmatched" };
}

/** Milliseconds, rounded to microseconds. */
function toMicros(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
