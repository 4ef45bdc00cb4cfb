import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type HoldingCall, memoryExhausted, replyLost } from "./call-memory.ts";
import { STATUS_OF_CODE } from "./codes.ts";
import { type CallOutcome, clientGone, FastifyCallContext, isClientGone } from "./context.ts";
import {
  type ExplainedError,
  errorResponse,
  explainPipelineError,
  explainThrown,
  isError,
  isTwirpError,
} from "./errors.ts";
import type { TwirpSettings } from "./options.ts";
import { badRoute, badRouteError, isExactPath, type PathTable, quote } from "./paths.ts";
import { contentTypeOf, MEDIA_TYPE, sendExactly } from "./reply.ts";
import { type BodyReading, readBody } from "./request-body.ts";
import { type CallTarget, type MethodRoute, runHooks, runIsolated } from "./routing.ts";
import { type Drain, deadlineExceeded, shuttingDown, timeLimitOf } from "./time-limits.ts";
import { TwirpContentType, TwirpError } from "./twirp-ts.ts";

/** Shared by all calls of one mount. */
export interface Mount {
  readonly settings: TwirpSettings;
  readonly drain: Drain;
}

/** Memory of a request while its method works, as a multiple of its body: the body, and about four times as much decoded. */
const DECODED_SIZE = 5;

/** Seconds after which a client that was refused may try again. */
const RETRY_AFTER_SECONDS = 1;

/** The route of a call, or only its target when the path names no method. */
type RouteOfCall = Pick<MethodRoute, "target"> & Partial<Pick<MethodRoute, "methodName" | "rpcName">>;

/**
 * The states of a call:
 * - `open`: its steps run: `admit` before the body is read, `readBody` as content-type parser, `serve` as handler.
 * - `failing`: it has an error, whose hooks run. Anything that its steps still return is discarded.
 * - `answered`: Fastify has its reply, or its client is gone.
 * - `over`: the reply was sent or lost, and the hooks for that run.
 *
 * | from | to | by |
 * |---|---|---|
 * | open | answered | `serve`, with the method's reply |
 * | open | failing | `end` at any time, or an error of a step, a plugin or Fastify |
 * | failing | answered | the end of the error hooks |
 * | answered | failing | an error of Fastify while it sends the reply, as of an onSend hook |
 * | open, answered | over | the connection, when it has sent the reply or is closed |
 */
type CallState = "open" | "failing" | "answered" | "over";

/** One call from its first hook to its last, driven by Fastify's lifecycle. */
export class Call implements CallOutcome, HoldingCall {
  readonly context: FastifyCallContext;
  readonly rpc: string;
  readonly method: string;
  drainSlot: number | undefined = undefined;
  heldBytes = 0;
  readonly #mount: Mount;
  readonly #target: CallTarget;
  readonly #reply: FastifyReply;
  #state: CallState = "open";
  #code: CallOutcome["code"] = "canceled";
  /** The last error that was mapped to Twirp's form: Fastify hands it back to `answerError`. */
  #explained: TwirpError | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Set while the body arrives. */
  #reading: BodyReading | undefined;
  #requestBytes = 0;

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
      reply.raw.once("finish", () => this.#finish());
      reply.raw.once("close", () => {
        if (this.#state === "answered") this.#finish();
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
    return this.#reading !== undefined || this.#isAnswered;
  }

  get #isAnswered(): boolean {
    return this.#state === "answered" || this.#state === "over";
  }

  giveWay(error: TwirpError): void {
    if (this.#isAnswered) this.context.req.socket.destroy();
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
    throw this.#explain(badRoute(raw, table));
  }

  /** Decides whether the body of a routed call is read. It is synchronous unless a hook or `extendContext` is not. */
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
        if (this.#state === "open") done();
      },
      (thrown: unknown) => {
        drain.leave(this);
        if (this.#state === "open") done(this.#explain(thrown));
        else this.#discard(thrown);
      },
    );
  }

  #assertContentType(raw: IncomingMessage): void {
    const { contentType } = this.context;
    if (contentType === TwirpContentType.Unknown) {
      // The message is Go's, word for word, so a header says what is expected: https://www.w3.org/TR/ldp/#header-accept-post
      this.#reply.header("accept-post", Object.values(MEDIA_TYPE).join(", "));
      const msg = `unexpected Content-Type: ${quote(raw.headers["content-type"] ?? "")}`;
      throw badRouteError(msg, raw);
    }
    // Fastify refuses spellings that Go takes, such as a trailing semicolon, before it looks for a parser.
    raw.headers["content-type"] = contentType === TwirpContentType.JSON ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf;
  }

  #admission(route: MethodRoute): unknown {
    const { context } = this;
    const { settings, drain } = this.#mount;
    const { received, routed } = this.#target.hooks;
    const limit = timeLimitOf(context.req.headers, settings.deadline);
    if ("ms" in limit && limit.ms !== undefined) {
      const { ms } = limit;
      this.#timer = setTimeout(() => this.end(deadlineExceeded(ms)), ms).unref();
    }
    return whenDone(runHooks(received, context), () => {
      const { raw } = context.request;
      if (!isExactPath(raw.url ?? "", route.path)) throw badRoute(raw, route.table);
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

  /** Reads the body. If that fails, the call is answered here. */
  readBody(payload: Readable, done: (error: null, body: Buffer) => void): void {
    const { settings, drain } = this.#mount;
    const hold = (bytes: number) => this.#hold(bytes);
    drain.enter(this);
    this.#reading = readBody(this.context.req, payload, settings, hold, (outcome) => {
      drain.leave(this);
      this.#reading = undefined;
      if (this.#state !== "open") return;
      if ("body" in outcome) {
        done(null, outcome.body);
        return;
      }
      const { failure } = outcome;
      if (isTwirpError(failure) && failure.code === "deadline_exceeded") this.#closeUnlessRead();
      this.#reply.send(this.#explain(failure));
    });
  }

  /** Counts the bytes that the call holds from now on. */
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
      if (this.#state !== "open") return;
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      this.#requestBytes = bytes.length * DECODED_SIZE;
      this.#hold(this.#requestBytes);
      const request = decode(route, isJson, bytes);
      const response = await route.invoke(context, request);
      if (this.#state !== "open") {
        this.#discard();
        return;
      }
      const payload = encode(route, isJson, response);
      if (!this.#holdReply(payload)) throw this.#toBeRepeated(replyLost());
      context.status = 200;
      const { prepared } = this.#target.hooks;
      if (prepared.length > 0) {
        await runHooks(prepared, context);
        if (this.#state !== "open") return;
      }
      this.#code = "ok";
      this.#send(200, isJson ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf, payload);
    } catch (thrown) {
      if (this.#state === "open") this.#reply.send(this.#explain(thrown));
      else this.#discard(thrown);
    } finally {
      drain.leave(this);
    }
  }

  /** Answers the call now with this error, whatever it is doing, unless it is answered already. */
  end(error: TwirpError): void {
    if (this.#state !== "open" || this.#reply.sent || this.context.res.headersSent) return;
    this.#state = "failing";
    // Its steps may never finish.
    this.#mount.drain.leave(this);
    this.context.abort(error);
    this.#reading?.abandon();
    this.#closeUnlessRead();
    const isServers = error.code === "unavailable" || error.code === "resource_exhausted";
    this.#reply.send(this.#explain(isServers ? this.#toBeRepeated(error) : error));
  }

  /** Tells the client when to try again. */
  #toBeRepeated(error: TwirpError): TwirpError {
    this.#reply.header("retry-after", RETRY_AFTER_SECONDS);
    return error;
  }

  /** Answers any error of the call in Twirp's form. */
  answerError(thrown: unknown): void {
    const own = this.#explained === thrown ? this.#explained : undefined;
    if (this.#state === "failing" && own === undefined) {
      this.#discard(thrown);
      return;
    }
    const error = own ?? this.#explain(thrown, explainPipelineError);
    // An error that Fastify meets while it sends another one.
    const ranHooks = this.#isAnswered && this.#code !== "ok";
    const { code, status, body } = errorResponse(error);
    const { context } = this;
    this.#code = code;
    context.status = status;
    const { error: hooks } = this.#target.hooks;
    if (hooks.length === 0 || ranHooks) {
      this.#send(status, MEDIA_TYPE.json, body);
      return;
    }
    this.#state = "failing";
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
    const code = this.#explained?.code;
    this.context.log.debug({ ...outcome, code }, "discarded what came after the end of the call");
  }

  /** Closes the connection after the reply unless the body was read: its rest must not be taken for another request. */
  #closeUnlessRead(): void {
    if (!this.context.req.complete) this.#reply.header("connection", "close");
  }

  #send(status: number, contentType: string, payload: string | Buffer): void {
    clearTimeout(this.#timer);
    this.#state = "answered";
    if (isClientGone(this.context.res)) this.#reply.hijack();
    else if (!this.#holdReply(payload)) {
      // Even the error has no room.
      this.#reply.hijack();
      this.context.req.socket.destroy();
    } else {
      if (this.#mount.drain.started) this.#reply.header("connection", "close");
      sendExactly(this.#reply, status, payload, contentType);
    }
    if (this.context.res.closed) this.#finish();
  }

  /** Counts the reply alone, because what it was made of can be freed. */
  #holdReply(payload: string | Buffer): boolean {
    // Text is held twice: as a string, and as the bytes that are being sent.
    const bytes = typeof payload === "string" ? 2 * payload.length : payload.length;
    return this.#mount.settings.memory?.hold(this, bytes) ?? true;
  }

  #finish(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    const { sent } = this.#target.hooks;
    if (sent.length === 0) return;
    void runIsolated(
      sent.map((hook) => () => hook(this.context)),
      "responseSent",
      this.context.log,
    );
  }
}

/** Calls `next` at once with a value, or with that of a promise when it is fulfilled. */
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
    const error = new TwirpError("malformed", `the ${format} request could not be decoded`);
    throw isError(cause) ? error.withCause(cause).withMeta("detail", cause.message) : error;
  }
}

function encode(route: MethodRoute, isJson: boolean, response: unknown): string | Buffer {
  if (response === undefined || response === null) {
    throw new TwirpError(
      "internal",
      `received a nil response while calling ${route.methodName}. nil responses are not supported`,
    );
  }
  return isJson ? route.responseCodec.writeJson(response) : route.responseCodec.writeBinary(response);
}
