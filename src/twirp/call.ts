import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { TwirpContentType, TwirpError, TwirpErrorCode } from "twirp-ts";
import { FastifyCallContext } from "./call-context.ts";
import { clientGone, isClientGone } from "./call-signal.ts";
import { contentTypeOf, MEDIA_TYPE } from "./content-type.ts";
import { errorResponse } from "./error-response.ts";
import { runHooks, runIsolated } from "./hooks.ts";
import type { TwirpSettings } from "./options.ts";
import { badRoute, badRouteError, decodePath, isExactPath, type PathTable, pathOfTarget } from "./paths.ts";
import { quote } from "./quote.ts";
import { readBody } from "./request-body.ts";
import type { CallTarget, MethodRoute } from "./routing.ts";
import { type ExplainedError, explainPipelineError, explainThrown, isError, isTwirpError } from "./thrown-error.ts";

/**
 * One call from its first hook to its last. Fastify's lifecycle drives it: `admit` before the body is read, `readBody`
 * as the content-type parser, `serve` as the handler, and `answerError` as the error handler, wherever the error arose.
 */
export class Call {
  readonly context: FastifyCallContext;
  readonly #reply: FastifyReply;
  readonly #settings: TwirpSettings;
  readonly #target: CallTarget;
  #explained: TwirpError | undefined;
  #errorHooksRan = false;
  #answered = false;
  #closed = false;
  #sentHooksRan = false;

  constructor(target: CallTarget, settings: TwirpSettings, request: FastifyRequest, reply: FastifyReply) {
    this.#target = target;
    this.#settings = settings;
    this.#reply = reply;
    this.context = new FastifyCallContext(target.packageName, target.serviceName, request, reply);
    this.context.contentType = contentTypeOf(request.raw.headers["content-type"]);
    if (target.hooks.sent.length > 0) {
      reply.raw.once("finish", () => this.#runSentHooks());
      reply.raw.once("close", () => {
        this.#closed = true;
        if (this.#answered) this.#runSentHooks();
      });
    }
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

  /** Decides whether a routed call may go on to its body. */
  async admit(route: MethodRoute): Promise<void> {
    const { context } = this;
    const { received, routed } = this.#target.hooks;
    try {
      if (received.length > 0) await runHooks(received, context);
      const { raw } = context.request;
      if (!isExactPath(raw.url ?? "", route.path)) throw badRoute(raw.method ?? "", raw.url ?? "", route.table);
      assertContentType(context.contentType, raw);
      context.methodName = route.methodName;
      const { extendContext } = this.#settings;
      if (extendContext !== undefined) Object.assign(context, await extendContext(context));
      if (routed.length > 0) await runHooks(routed, context);
    } catch (thrown) {
      throw this.#explain(thrown);
    }
  }

  /** Reads the body; a body that cannot be had is answered here, since there is nothing to hand on. */
  readBody(payload: Readable, done: (error: null, body: Buffer) => void): void {
    readBody(this.context.req, payload, this.#settings, (outcome) => {
      if ("body" in outcome) {
        done(null, outcome.body);
        return;
      }
      // The rest of the body may still be on its way, and nobody will read it as another request.
      if (outcome.failure.code === TwirpErrorCode.DeadlineExceeded) this.#reply.header("connection", "close");
      this.#reply.send(this.#explain(outcome.failure));
    });
  }

  /** Decodes, calls the method through its interceptors, encodes and replies. Never rejects. */
  async serve(route: MethodRoute, body: unknown): Promise<void> {
    const { context } = this;
    const isJson = context.contentType === TwirpContentType.JSON;
    try {
      const request = decode(route, isJson, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
      const response = await route.invoke(context, request);
      const payload = encode(route, isJson, response);
      context.status = 200;
      const { prepared } = this.#target.hooks;
      if (prepared.length > 0) await runHooks(prepared, context);
      this.#send(200, isJson ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf, payload);
    } catch (thrown) {
      this.#reply.send(this.#explain(thrown));
    }
  }

  /** Answers any error of the call in Twirp's form. */
  answerError(thrown: unknown): void {
    // What the call itself found is explained already; the rest comes from Fastify and its plugins.
    const error =
      this.#explained !== undefined && this.#explained === thrown
        ? this.#explained
        : this.#explain(thrown, explainPipelineError);
    const { status, body } = errorResponse(error);
    const { context } = this;
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
      const error = this.#settings.mapError(thrown, this.context);
      return error === undefined ? undefined : explainThrown(error, this.context.request.id);
    } catch (err) {
      this.context.log.error({ err }, "mapError threw");
      return undefined;
    }
  }

  #send(status: number, contentType: string, payload: Buffer): void {
    if (isClientGone(this.context.res)) this.#reply.hijack();
    else this.#reply.code(status).header("content-type", contentType).send(payload);
    this.#answered = true;
    if (this.#closed) this.#runSentHooks();
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

function assertContentType(contentType: TwirpContentType, raw: IncomingMessage): void {
  if (contentType === TwirpContentType.Unknown) {
    const msg = `unexpected Content-Type: ${quote(raw.headers["content-type"] ?? "")}`;
    throw badRouteError(msg, raw.method ?? "", decodePath(pathOfTarget(raw.url ?? "")));
  }
  // Fastify refuses spellings that Go takes, as a trailing semicolon, before it looks for a parser.
  raw.headers["content-type"] = contentType === TwirpContentType.JSON ? MEDIA_TYPE.json : MEDIA_TYPE.protobuf;
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

function encode(route: MethodRoute, isJson: boolean, response: unknown): Buffer {
  if (response === undefined || response === null) {
    throw new TwirpError(
      TwirpErrorCode.Internal,
      `received a nil response while calling ${route.methodName}. nil responses are not supported`,
    );
  }
  return isJson ? route.responseCodec.writeJson(response) : route.responseCodec.writeBinary(response);
}
