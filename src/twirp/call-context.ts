import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { TwirpContentType, type TwirpContext } from "twirp-ts";
import { createCallSignal } from "./call-signal.ts";
import { GuardedHeaders, type ResponseHeaders } from "./response-headers.ts";

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
  /** Aborts, with a `canceled` error for a reason, when the client goes before the reply is out. */
  readonly signal: AbortSignal;
  /** Adds headers to the reply, whether it succeeds or fails. */
  readonly headers: ResponseHeaders;
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
  #log: FastifyBaseLogger | undefined;
  #signal: AbortSignal | undefined;
  #headers: ResponseHeaders | undefined;

  constructor(packageName: string, serviceName: string, request: FastifyRequest, reply: FastifyReply) {
    this.packageName = packageName;
    this.serviceName = serviceName;
    this.req = request.raw;
    this.res = reply.raw;
    this.request = request;
    this.#reply = reply;
  }

  get log(): FastifyBaseLogger {
    this.#log ??= this.request.log.child({ rpc: this.#rpcName() });
    return this.#log;
  }

  get signal(): AbortSignal {
    this.#signal ??= createCallSignal(this.res);
    return this.#signal;
  }

  get headers(): ResponseHeaders {
    this.#headers ??= new GuardedHeaders(this.#reply);
    return this.#headers;
  }

  #rpcName(): string {
    const service = this.packageName === "" ? this.serviceName : `${this.packageName}.${this.serviceName}`;
    return `${service}/${this.methodName}`;
  }
}
