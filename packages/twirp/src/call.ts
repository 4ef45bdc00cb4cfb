import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type HoldingCall, memoryExhausted, replyLost } from "./call-memory.ts";
import { STATUS_OF_CODE } from "./codes.ts";
import type { CallOutcome } from "./context.ts";
import { clientGone, FastifyCallContext, isClientGone } from "./context.ts";
import { deadlineExceeded, timeLimitOf } from "./deadline.ts";
import { type Drain, RETRY_AFTER_SECONDS, shuttingDown } from "./drain.ts";
import {
  type ExplainedError,
  errorResponse,
  explainPipelineError,
  explainThrown,
  isError,
  isTwirpError,
} from "./errors.ts";
import { runHooks, runIsolated } from "./hooks.ts";
import { contentTypeOf, MEDIA_TYPE } from "./media-type.ts";
import type { TwirpSettings } from "./options.ts";
import { badRoute, badRouteError, decodePath, isExactPath, type PathTable, pathOfTarget, quote } from "./paths.ts";
import { sendExactly } from "./reply.ts";
import { type BodyReading, readBody } from "./request-body.ts";
import type { CallTarget, MethodRoute } from "./routing.ts";
import { TwirpContentType, TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/** What all calls of one mount share. */
export interface Mount {
  readonly settings: TwirpSettings;
  readonly drain: Drain;
}

/** How much a request takes while its method works, in sizes of its body: the body and about four times as much decoded. */
const DECODED_SIZE = 5;

/** The route of a call, as far as there is one. */
type RouteOfCall = Pick<MethodRoute, "target"> & Partial<Pick<MethodRoute, "methodName" | "rpcName">>;

/**
 * One call from its first hook to its last. Fastify's lifecycle drives it: `admit` before the body is read, `readBody`
 * as the content-type parser, `serve` as the handler, and `answerError` as the error handler, wherever the error arose.
 * `end` may come at any time: then the call is answered at once, and what its steps still bring is discarded.
 */
export class Call implements CallOutcome, HoldingCall {
  readonly context: FastifyCallContext;
  readonly rpc: string;
  readonly method: string;
  drainSlot: number | undefined = undefined;
  heldBytes = 0;
  readonly #mount: Mount;
  readonly #target: CallTarget;
  readonly #reply: FastifyReply;
  #timer: NodeJS.Timeout | undefined;
  /** While the body is on its way. */
  #reading: BodyReading | undefined;
  #requestBytes = 0;
  #ended: TwirpError | undefined;
  #explained: TwirpError | undefined;
  #errorHooksRan = false;
  #answered = false;
  #code: CallOutcome["code"] = TwirpErrorCode.Canceled;
  #closed = false;
  #sentHooksRan = false;

  constructor(mount: Mount, route: RouteOfCall, request: FastifyRequest, reply: FastifyReply) {
    const { target, methodName = "", rpcName = "" } = route;
    this.#mount = mount;
    this.#target = target;
    this.method = methodName;
    this.rpc = rpcName;
    this.#reply = reply;
    this.context = new FastifyCallContext(target, request, reply, this);
    this.context.contentType = contentTypeOf(request.raw.headers["content-type"]);
    if (target.hooks.sent.length > 0) {
      reply.raw.once("finish", () => this.#runSentHooks());
      reply.raw.once("close", () => {
        this.#closed = true;
        if (this.#answered) this.#runSentHooks();
      });
    }
  }

  get code(): CallOutcome["code"] {
    return this.#code;
  }

  get status(): number {
    return this.context.status ?? (this.#code === "ok" ? 200 : STATUS_OF_CODE[this.#code]);
  }

  get res(): ServerResponse {
    return this.context.res;
  }

  /** See {@link FastifyCallContext.reserve}. */
  reserve(bytes: number): void {
    this.#hold(this.#requestBytes + bytes);
  }

  get waitsForClient(): boolean {
    return this.#reading !== undefined || this.#answered;
  }

  giveWay(error: TwirpError): void {
    if (this.#answered) this.context.req.socket.destroy();
    else this.end(error);
  }

  /** Fails a call that no route takes, hooks included. */
  async refuse(table: PathTable): Promise<never> {
    const { raw } = this.context.request;
    try {
      await runHooks(this.#target.hooks.received, this.context);
    } catch (thrown) {
      throw this.#explain(thrown);
    }
    throw this.#explain(badRoute(raw.method ?? "", raw.url ?? "", table));
  }

  /** Decides whether a routed call may go on to its body. Nothing waits unless a hook or `extendContext` does. */
  admit(route: MethodRoute, done: (error?: Error) => void): void {
    const { drain } = this.#mount;
    let pending: unknown;
    try {
      pending = this.#admission(route);
    } catch (thrown) {
      done(this.#explain(thrown));
      return;
    }
    if (!isPromise(pending)) {
      done();
      return;
    }
    drain.enter(this);
    pending.then(
      () => {
        drain.leave(this);
        if (this.#ended === undefined) done();
      },
      (thrown: unknown) => {
        drain.leave(this);
        if (this.#ended === undefined) done(this.#explain(thrown));
        else this.#discard(thrown);
      },
    );
  }

  #assertContentType(raw: IncomingMessage): void {
    const { contentType } = this.context;
    if (contentType === TwirpContentType.Unknown) {
      // The error is Go's, word for word; what is expected stands beside it: https://www.w3.org/TR/ldp/#header-accept-post
      this.#reply.header("accept-post", Object.values(MEDIA_TYPE).join(", "));
      const msg = `unexpected Content-Type: ${quote(raw.headers["content-type"] ?? "")}`;
      throw badRouteError(msg, raw.method ?? "", decodePath(pathOfTarget(raw.url ?? "")));
    }
    // Fastify refuses spellings that Go takes, such as a trailing semicolon, before it looks for a parser.
    raw.headers["content-type"] = contentType === TwirpContentType.JSON ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf;
  }

  #admission(route: MethodRoute): unknown {
    const { context } = this;
    const { settings, drain } = this.#mount;
    const { received, routed } = this.#target.hooks;
    const limit = timeLimitOf(context.req.headers, settings.deadline);
    if ("ms" in limit && limit.ms !== undefined) this.#limitTime(limit.ms);
    return whenDone(runHooks(received, context), () => {
      const { raw } = context.request;
      if (!isExactPath(raw.url ?? "", route.path)) throw badRoute(raw.method ?? "", raw.url ?? "", route.table);
      this.#assertContentType(raw);
      context.methodName = route.methodName;
      if ("failure" in limit) throw limit.failure;
      if (drain.started) throw this.#toBeRepeated(shuttingDown());
      return whenDone(settings.extendContext?.(context), (extension) => {
        if (extension !== undefined) Object.assign(context, extension);
        return runHooks(routed, context);
      });
    });
  }

  #limitTime(ms: number): void {
    this.#timer = setTimeout(() => this.end(deadlineExceeded(ms)), ms).unref();
  }

  /** Reads the body; a body that cannot be had is answered here, since there is nothing to hand on. */
  readBody(payload: Readable, done: (error: null, body: Buffer) => void): void {
    const { settings, drain } = this.#mount;
    const hold = (bytes: number) => this.#hold(bytes);
    drain.enter(this);
    this.#reading = readBody(this.context.req, payload, settings, hold, (outcome) => {
      drain.leave(this);
      this.#reading = undefined;
      if (this.#ended !== undefined) return;
      if ("body" in outcome) {
        done(null, outcome.body);
        return;
      }
      const { failure } = outcome;
      if (isTwirpError(failure) && failure.code === TwirpErrorCode.DeadlineExceeded) this.#closeUnlessRead();
      this.#reply.send(this.#explain(failure));
    });
  }

  /** Counts what the call holds from now on. */
  #hold(bytes: number): void {
    if (this.#mount.settings.memory?.hold(this, bytes) === false) throw this.#toBeRepeated(memoryExhausted());
  }

  /** Decodes, calls the method through its interceptors, encodes and replies. Never rejects. */
  async serve(route: MethodRoute, body: unknown): Promise<void> {
    const { context } = this;
    const { drain } = this.#mount;
    const isJson = context.contentType === TwirpContentType.JSON;
    drain.enter(this);
    try {
      if (this.#ended !== undefined) return;
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      this.#requestBytes = bytes.length * DECODED_SIZE;
      this.#hold(this.#requestBytes);
      const request = decode(route, isJson, bytes);
      const response = await route.invoke(context, request);
      if (this.#ended !== undefined) {
        this.#discard();
        return;
      }
      const payload = encode(route, isJson, response);
      if (!this.#holdReply(payload)) throw this.#toBeRepeated(replyLost());
      context.status = 200;
      const { prepared } = this.#target.hooks;
      if (prepared.length > 0) {
        await runHooks(prepared, context);
        if (this.#ended !== undefined) return;
      }
      this.#code = "ok";
      this.#send(200, isJson ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf, payload);
    } catch (thrown) {
      if (this.#ended === undefined) this.#reply.send(this.#explain(thrown));
      else this.#discard(thrown);
    } finally {
      drain.leave(this);
    }
  }

  /** Answers the call now with this error, whatever it is doing, unless it is answered already. */
  end(error: TwirpError): void {
    const { raw } = this.#reply;
    if (this.#answered || this.#errorHooksRan || this.#reply.sent || raw.headersSent) return;
    this.#ended = error;
    // Its steps may never come to an end of their own.
    this.#mount.drain.leave(this);
    this.context.abort(error);
    this.#reading?.abandon();
    this.#closeUnlessRead();
    const isServers = error.code === TwirpErrorCode.Unavailable || error.code === TwirpErrorCode.ResourceExhausted;
    this.#reply.send(this.#explain(isServers ? this.#toBeRepeated(error) : error));
  }

  /** Adds when a client may try again. */
  #toBeRepeated(error: TwirpError): TwirpError {
    this.#reply.header("retry-after", RETRY_AFTER_SECONDS);
    return error;
  }

  /** Answers any error of the call in Twirp's form. */
  answerError(thrown: unknown): void {
    if (this.#ended !== undefined && this.#ended !== thrown && !this.#answered) {
      this.#discard(thrown);
      return;
    }
    // What the call itself found is explained already; the rest comes from Fastify and its plugins.
    const error =
      this.#explained !== undefined && this.#explained === thrown
        ? this.#explained
        : this.#explain(thrown, explainPipelineError);
    const { code, status, body } = errorResponse(error);
    const { context } = this;
    this.#code = code;
    context.status = status;
    const { error: hooks } = this.#target.hooks;
    if (hooks.length === 0 || this.#errorHooksRan) {
      this.#send(status, MEDIA_TYPE.json, body);
      return;
    }
    this.#errorHooksRan = true;
    void runIsolated(
      hooks.map((hook) => () => hook(context, error)),
      "error",
      context.log,
    ).then(() => this.#send(status, MEDIA_TYPE.json, body));
  }

  #explain(thrown: unknown, explainDefault = explainThrown): TwirpError {
    const { error, unforeseen } = this.#map(thrown) ?? explainDefault(thrown, this.context.request.id);
    if (unforeseen !== undefined || !isError(thrown)) {
      this.context.log.error({ err: isError(unforeseen) ? unforeseen : { thrown: unforeseen } }, error.msg);
    }
    this.#explained = error;
    return error;
  }

  #map(thrown: unknown): ExplainedError | undefined {
    if (isTwirpError(thrown)) return undefined;
    if (isError(thrown) && thrown.name === "AbortError" && isClientGone(this.context.res)) {
      return { error: clientGone("context canceled") };
    }
    try {
      const error = this.#mount.settings.mapError(thrown, this.context);
      return error === undefined ? undefined : explainThrown(error, this.context.request.id);
    } catch (err) {
      this.context.log.error({ err }, "mapError threw");
      return undefined;
    }
  }

  #discard(thrown?: unknown): void {
    const outcome = thrown === undefined ? {} : { err: isError(thrown) ? thrown : { thrown } };
    this.context.log.debug({ ...outcome, code: this.#ended?.code }, "discarded what came after the end of the call");
  }

  /** The rest of a body may still be on its way, and nobody will read it as another request. */
  #closeUnlessRead(): void {
    if (!this.context.req.complete) this.#reply.header("connection", "close");
  }

  #send(status: number, contentType: string, payload: string | Buffer): void {
    clearTimeout(this.#timer);
    if (isClientGone(this.context.res)) this.#reply.hijack();
    else if (!this.#holdReply(payload)) {
      // It is an error already: there is nothing smaller to answer with.
      this.#reply.hijack();
      this.context.req.socket.destroy();
    } else {
      if (this.#mount.drain.started) this.#reply.header("connection", "close");
      sendExactly(this.#reply.code(status).header("content-type", contentType), payload);
    }
    this.#answered = true;
    if (this.#closed) this.#runSentHooks();
  }

  /** Counts the reply alone: what it was made of is no longer needed. */
  #holdReply(payload: string | Buffer): boolean {
    // Text is kept as such and as the bytes that are on their way.
    const bytes = typeof payload === "string" ? 2 * payload.length : payload.length;
    return this.#mount.settings.memory?.hold(this, bytes) ?? true;
  }

  #runSentHooks(): void {
    if (this.#sentHooksRan) return;
    this.#sentHooksRan = true;
    const { context } = this;
    void runIsolated(
      this.#target.hooks.sent.map((hook) => () => hook(context)),
      "responseSent",
      context.log,
    );
  }
}

/** Goes on at once after a value, and after a promise when it is fulfilled. */
function whenDone<Value>(value: Value | Promise<Value>, next: (value: Value) => unknown): unknown {
  return isPromise(value) ? value.then(next) : next(value);
}

function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function decode(route: MethodRoute, isJson: boolean, body: Buffer): object {
  try {
    return isJson ? route.requestCodec.readJson(body) : route.requestCodec.readBinary(body);
  } catch (cause) {
    const format = isJson ? "json" : "protobuf";
    const error = new TwirpError(TwirpErrorCode.Malformed, `the ${format} request could not be decoded`);
    throw isError(cause) ? error.withCause(cause).withMeta("detail", cause.message) : error;
  }
}

function encode(route: MethodRoute, isJson: boolean, response: unknown): string | Buffer {
  if (response === undefined || response === null) {
    throw new TwirpError(
      TwirpErrorCode.Internal,
      `received a nil response while calling ${route.methodName}. nil responses are not supported`,
    );
  }
  return isJson ? route.responseCodec.writeJson(response) : route.responseCodec.writeBinary(response);
}
