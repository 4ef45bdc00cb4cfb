import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { clientGone } from "./context.ts";
import { quote } from "./paths.ts";
import { trimBlanks } from "./reply.ts";
import { TwirpError } from "./twirp-ts.ts";

/** Limits of a request body. */
export interface BodyLimits {
  /** Bytes. */
  readonly bodyLimit: number;
  /** Milliseconds for the whole body to arrive. */
  readonly readTimeout: number;
}

type BodyOutcome = { readonly body: Buffer } | { readonly failure: unknown };

const EMPTY = Buffer.alloc(0);

/** A body that is being read. */
export interface BodyReading {
  /** Discards the body, and stops reporting. */
  abandon(): void;
}

/**
 * Reads a body within limits, and reports once.
 *
 * A body over the limit is `malformed`, as with Go's http.MaxBytesReader: the same call can never succeed, and
 * `resource_exhausted` would invite a retry. A Content-Length over the limit is refused at once. The rest of the body is
 * discarded, so that a client that is still sending can read the reply.
 *
 * @param hold called with the number of bytes that are held when it grows. If it throws, reading fails.
 */
export function readBody(
  request: IncomingMessage,
  payload: Readable,
  limits: BodyLimits,
  hold: (bytes: number) => void,
  report: (outcome: BodyOutcome) => void,
): BodyReading {
  /** The body so far, with room for more. A list of tiny chunks would need a hundred times the memory. */
  let room: Buffer = EMPTY;
  let size = 0;
  let reported = false;
  // The timer alone must not keep the process alive.
  const timer = setTimeout(onTimeout, limits.readTimeout).unref();

  payload.on("data", onData);
  payload.on("end", onEnd);
  payload.on("error", onError);
  payload.on("close", onClose);

  // A plugin that decompresses bodies replaces the payload by its own stream.
  const encoding = payload === request ? request.headers["content-encoding"] : undefined;
  if (encoding !== undefined && !isIdentity(encoding)) finish({ failure: encoded(encoding) });
  const declared = Number(request.headers["content-length"]);
  if (declared > limits.bodyLimit) finish({ failure: tooLarge(limits.bodyLimit, `${declared} are declared`) });
  return { abandon };

  function abandon(): void {
    reported = true;
    room = EMPTY;
  }

  function finish(outcome: BodyOutcome): void {
    if (reported) return;
    abandon();
    report(outcome);
  }

  function onData(chunk: Buffer): void {
    if (reported) return;
    const before = size;
    size += chunk.length;
    if (size > limits.bodyLimit) finish({ failure: tooLarge(limits.bodyLimit, `${size} came so far`) });
    else if (size <= room.length) chunk.copy(room, before);
    else {
      try {
        grow(chunk, before);
      } catch (failure) {
        finish({ failure });
      }
    }
  }

  function grow(chunk: Buffer, before: number): void {
    // Most bodies arrive in one chunk.
    const length = before === 0 ? size : Math.min(2 * size, declared || limits.bodyLimit);
    hold(length);
    if (before === 0) {
      room = chunk;
      return;
    }
    const grown = Buffer.allocUnsafeSlow(length);
    room.copy(grown, 0, 0, before);
    chunk.copy(grown, before);
    room = grown;
  }

  function onEnd(): void {
    clearTimeout(timer);
    finish({ body: size < room.length ? room.subarray(0, size) : room });
  }

  function onError(error: Error): void {
    clearTimeout(timer);
    if (request.destroyed && !request.complete) onClose();
    else {
      const failure = new TwirpError("malformed", "failed to read request body").withCause(error);
      finish({ failure });
    }
  }

  function onClose(): void {
    clearTimeout(timer);
    // `close` also follows a normal `end`; do not create an error then.
    if (!reported) finish({ failure: clientGone("failed to read request: context canceled") });
  }

  function onTimeout(): void {
    // The client was answered but never stops sending.
    if (reported) request.destroy();
    else {
      finish({
        failure: new TwirpError("deadline_exceeded", "failed to read request: deadline exceeded"),
      });
    }
  }
}

/** Whether each coding in the list of a Content-Encoding is `identity`. */
function isIdentity(encoding: string): boolean {
  return encoding.split(",").every((coding) => /^(?:identity)?$/i.test(trimBlanks(coding)));
}

function encoded(encoding: string): TwirpError {
  const msg = `request body has Content-Encoding ${quote(encoding)}, which is not supported: send it unencoded`;
  return new TwirpError("malformed", msg);
}

function tooLarge(limit: number, found: string): TwirpError {
  return new TwirpError("malformed", `request body is larger than ${limit} bytes: ${found}`);
}
