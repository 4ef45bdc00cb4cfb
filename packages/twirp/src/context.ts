import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { TwirpContentType, type TwirpContext, type TwirpError } from "twirp-ts";
import { CallSignal } from "./call-signal.ts";
import { GuardedHeaders, type ResponseHeaders } from "./reply.ts";

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
