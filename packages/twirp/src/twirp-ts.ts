/**
 * What the adapter needs of twirp-ts. The error class is twirp-ts's own, bundled into the published package, so that a
 * server needs twirp-ts only if its generated code does. The types are written here: twirp-ts's declarations do not pass a
 * strict compiler, and errors, hooks and interceptors of any copy of twirp-ts must fit.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { TwirpError as TwirpTsError, TwirpErrorCode as TwirpTsErrorCode } from "twirp-ts/build/twirp/errors.js";
import type { TwirpCode } from "./codes.ts";

type PascalCase<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Head>}${PascalCase<Tail>}`
  : Capitalize<Text>;

/** The codes under the names that twirp-ts gives them: `TwirpErrorCode.NotFound` is `"not_found"`. */
export const TwirpErrorCode = TwirpTsErrorCode as { readonly [Code in TwirpCode as PascalCase<Code>]: Code };

/** An error with a code, a message and metadata for the client. */
export interface TwirpError<Code extends string = string> extends Error {
  /** A {@link TwirpCode}; any other code is answered as `internal`. */
  readonly code: Code;
  readonly msg: string;
  readonly meta: Record<string, string>;
  withMeta(key: string, value: string): this;
  /** @param addMeta whether the client gets the cause's message as the metadata `cause`. Default false. */
  withCause(cause: Error, addMeta?: boolean): this;
}

/** @example throw new TwirpError(TwirpErrorCode.NotFound, "no such hat").withMeta("hat", name); */
export const TwirpError = TwirpTsError as unknown as new <Code extends TwirpCode>(
  code: Code,
  msg: string,
) => TwirpError<Code>;

/** How a request is encoded. The values are those of twirp-ts. */
export const TwirpContentType = { Protobuf: 0, JSON: 1, Unknown: 2 } as const;

export type TwirpContentType = (typeof TwirpContentType)[keyof typeof TwirpContentType];

/** The context of a call, as generated servers know it. */
export interface TwirpContext {
  /** As in the .proto; empty without a package, and when no service matched. */
  readonly packageName: string;
  readonly serviceName: string;
  /** As in the .proto; empty until the call is routed. */
  readonly methodName: string;
  /** The encoding of the request and of its reply. */
  readonly contentType: TwirpContentType;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Functions that run at the stages of a call, in this order. */
export interface ServerHooks<Context> {
  requestReceived?(context: Context): void | Promise<void>;
  requestRouted?(context: Context): void | Promise<void>;
  responsePrepared?(context: Context): void | Promise<void>;
  /** @deprecated The same as `responsePrepared`. */
  requestPrepared?(context: Context): void | Promise<void>;
  responseSent?(context: Context): void | Promise<void>;
  /** @deprecated The same as `responseSent`. */
  requestSent?(context: Context): void | Promise<void>;
  error?(context: Context, error: TwirpError): void | Promise<void>;
}

/** A function around a call: it may change the request, the reply, or not call `next` at all. */
export type Interceptor<Context, Request, Response> = (
  context: Context,
  request: Request,
  next: (context: Context, request: Request) => Promise<Response>,
) => Promise<Response>;
