import { type IncomingMessage, type ServerResponse, validateHeaderName, validateHeaderValue } from "node:http";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { TwirpCode } from "./codes.ts";
import { TwirpContentType, type TwirpContext, TwirpError } from "./twirp-ts.ts";

/** What hooks, interceptors and method share during one call: one object, never a copy. */
export interface CallContext extends TwirpContext {
  /** Fastify's request: headers, ip, id, decorators. Its body is the raw Buffer, once it was read. */
  readonly request: FastifyRequest;
  /** A child of the request's logger, so that each line names the RPC and the request id. */
  readonly log: FastifyBaseLogger;
  /**
   * Aborts when nobody waits for the outcome any more. Its reason is the Twirp error of the call: `canceled` when the
   * client went before the reply was sent, `deadline_exceeded`, or `unavailable` when the server shut down meanwhile.
   */
  readonly signal: AbortSignal;
  /** Adds headers to the reply, whether it succeeds or fails. */
  readonly headers: ResponseHeaders;
  /**
   * Counts the bytes that the method is about to allocate, in place of its earlier count; see the option
   * `memory`. Throws `resource_exhausted` when there is no room for them.
   */
  reserve(bytes: number): void;
  /** HTTP status of the reply, known from `error` and `responsePrepared` on. */
  readonly status: number | undefined;
}

/** Headers that a method adds to its reply, also to an error. */
export interface ResponseHeaders {
  /** Replaces a header. Throws a TypeError for a name or value that HTTP does not allow, or for a reserved name. */
  set(name: string, value: string): void;
  /** Adds one more line of a header. Throws as `set` does. */
  append(name: string, value: string): void;
}

/** The outcome of a call. */
export interface CallOutcome {
  /** As `finance.v1.FinanceService/GetAccount`; empty when the path names no method. */
  readonly rpc: string;
  /** As `GetAccount`; empty when the path names no method. */
  readonly method: string;
  /** `ok`, or the error's code; `canceled` for a call without a reply, whose client has gone. */
  readonly code: "ok" | TwirpCode;
  /** HTTP status of the reply, or what it would have been. */
  readonly status: number;
  readonly context: CallContext;
}

/** The context of a call on Fastify. Logger, signal and headers are made when first asked for. */
export class FastifyCallContext implements CallContext {
  readonly packageName: string;
  readonly serviceName: string;
  methodName = "";
  contentType: TwirpContentType = TwirpContentType.Unknown;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly request: FastifyRequest;
  status: number | undefined = undefined;
  readonly #reply: FastifyReply;
  readonly #memory: Pick<CallContext, "reserve">;
  #log: FastifyBaseLogger | undefined;
  #headers: ResponseHeaders | undefined;
  #controller: AbortController | undefined;
  #abortReason: TwirpError | undefined;

  constructor(
    { packageName, serviceName }: Pick<CallContext, "packageName" | "serviceName">,
    request: FastifyRequest,
    reply: FastifyReply,
    memory: Pick<CallContext, "reserve">,
  ) {
    this.packageName = packageName;
    this.serviceName = serviceName;
    this.req = request.raw;
    this.res = reply.raw;
    this.request = request;
    this.#reply = reply;
    this.#memory = memory;
  }

  get log(): FastifyBaseLogger {
    const service = this.packageName === "" ? this.serviceName : `${this.packageName}.${this.serviceName}`;
    this.#log ??= this.request.log.child({ rpc: `${service}/${this.methodName}` });
    return this.#log;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#openSignal();
    return this.#controller.signal;
  }

  get headers(): ResponseHeaders {
    this.#headers ??= guardedHeaders(this.#reply);
    return this.#headers;
  }

  reserve(bytes: number): void {
    this.#memory.reserve(bytes);
  }

  /**
   * Aborts the signal. The first reason stays, and is always a Twirp error, so that a method which merely passes the
   * signal on fails with the right code.
   */
  abort(reason: TwirpError): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(reason);
  }

  #openSignal(): AbortController {
    const controller = new AbortController();
    const { res } = this;
    if (this.#abortReason !== undefined) controller.abort(this.#abortReason);
    else if (isClientGone(res)) controller.abort(clientGone("context canceled"));
    else {
      res.once("close", () => {
        // After the reply there is nothing left to stop.
        if (!res.writableEnded) controller.abort(clientGone("context canceled"));
      });
    }
    return controller;
  }
}

/** Whether the connection of a reply was lost before the reply was sent. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableFinished;
}

/** The error of a call that nobody waits for any more. */
export function clientGone(msg: string): TwirpError {
  return new TwirpError("canceled", msg);
}

// The adapter decides how the body is written, and HTTP how it is framed.
const RESERVED: ReadonlySet<string> = new Set(["content-type", "content-length", "transfer-encoding", "connection"]);

/** Writes headers through Fastify, so that its own hooks see them. */
function guardedHeaders(reply: FastifyReply): ResponseHeaders {
  const check = (name: string, value: string) => {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    if (RESERVED.has(name.toLowerCase())) throw new TypeError(`header ${name} cannot be set by a method`);
  };
  return {
    set(name, value) {
      check(name, value);
      reply.removeHeader(name);
      reply.header(name, value);
    },
    append(name, value) {
      check(name, value);
      const present = reply.getHeader(name);
      // Fastify itself adds further cookies to a list, and replaces everything else.
      if (present === undefined || name.toLowerCase() === "set-cookie") reply.header(name, value);
      else reply.header(name, Array.isArray(present) ? [...present, value] : [String(present), value]);
    },
  };
}
