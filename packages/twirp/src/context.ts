import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { TwirpCode } from "./codes.ts";
import { GuardedHeaders, type ResponseHeaders } from "./reply.ts";
import { TwirpContentType, type TwirpContext, TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/**
 * What aborts the signal of one call: `abort`, or the client when it goes before the reply is out. The reason is always
 * a Twirp error, so that a method which merely passes the signal on fails with the right code.
 *
 * Few calls ask for their signal, so it is made when they do.
 */
export class CallSignal {
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;
  #reason: TwirpError | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#open();
    return this.#controller.signal;
  }

  /** Aborts the signal, or sees to it that it is aborted from the start. The first reason stays. */
  abort(reason: TwirpError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  #open(): AbortController {
    const controller = new AbortController();
    const response = this.#response;
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (isClientGone(response)) controller.abort(clientGone("context canceled"));
    else {
      response.once("close", () => {
        // Once the reply is given there is nothing left to stop.
        if (!response.writableEnded) controller.abort(clientGone("context canceled"));
      });
    }
    return controller;
  }
}

/** Whether the connection of a reply went away before the reply was out. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableFinished;
}

/** The error of a call that nobody waits for any more. */
export function clientGone(msg: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Canceled, msg);
}

/** What hooks, interceptors and method share during one call: one object, never a copy. */
export interface CallContext extends TwirpContext {
  /** As in the .proto; empty without a package, and when no service matched. */
  readonly packageName: string;
  readonly serviceName: string;
  /** As in the .proto; empty until the call is routed. */
  readonly methodName: string;
  /** How the request is encoded, and with it the reply. */
  readonly contentType: TwirpContentType;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Fastify's request: headers, ip, id, decorators. Its body is the raw Buffer, once read. */
  readonly request: FastifyRequest;
  /** A child of the request's logger, so that each line names the RPC and the request id. */
  readonly log: FastifyBaseLogger;
  /**
   * Aborts when nobody waits for the outcome any more. Its reason is the Twirp error of the call: `canceled` when the
   * client went before the reply was out, `deadline_exceeded`, or `unavailable` when the server shut down meanwhile.
   */
  readonly signal: AbortSignal;
  /** Adds headers to the reply, whether it succeeds or fails. */
  readonly headers: ResponseHeaders;
  /**
   * Counts the bytes of what the method is about to make, in place of those that it counted before; see the option
   * `memory`. Throws `resource_exhausted` when there is no room for them.
   */
  reserve(bytes: number): void;
  /** HTTP status of the reply, known from `error` and `responsePrepared` on. */
  readonly status: number | undefined;
}

/** The context of a call on Fastify. What few calls need is made when it is first asked for. */
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
  readonly #signal: CallSignal;
  #headers: ResponseHeaders | undefined;

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
    this.#signal = new CallSignal(reply.raw);
  }

  get log(): FastifyBaseLogger {
    this.#log ??= this.request.log.child({ rpc: this.#rpcName() });
    return this.#log;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get headers(): ResponseHeaders {
    this.#headers ??= new GuardedHeaders(this.#reply);
    return this.#headers;
  }

  reserve(bytes: number): void {
    this.#memory.reserve(bytes);
  }

  /** Aborts the signal; the first reason stays. */
  abort(reason: TwirpError): void {
    this.#signal.abort(reason);
  }

  #rpcName(): string {
    const service = this.packageName === "" ? this.serviceName : `${this.packageName}.${this.serviceName}`;
    return `${service}/${this.methodName}`;
  }
}

/** What became of a call. */
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
