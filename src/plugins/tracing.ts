import type { FastifyReply, FastifyRequest } from "fastify";

/** A call as far as log and metrics are concerned. */
export interface ReportedCall {
  /** As `finance.v1.FinanceService/GetAccount`; empty for a path that names no method. */
  readonly rpc: string;
  /** As `GetAccount`; empty likewise. */
  readonly method: string;
  /** `ok` or a Twirp code. */
  readonly code: string;
  readonly status: number;
  /** Who called, once that was established. */
  readonly caller: string | undefined;
}

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
