import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { clientGone } from "./context.ts";
import { quote } from "./paths.ts";
import { trimBlanks } from "./reply.ts";
import { TwirpError } from "./twirp-ts.ts";

/** What a request body may cost. */
export interface BodyLimits {
  /** Most bytes of a body. */
  readonly bodyLimit: number;
  /** Milliseconds until the whole body has to be here. */
  readonly readTimeout: number;
}

/** How reading a body ended. */
export type BodyOutcome = { readonly body: Buffer } | { readonly failure: unknown };

const EMPTY = Buffer.alloc(0);

/** What is being read. */
export interface BodyReading {
  /** Throws away what has come and what will come; nothing is reported any more. */
  abandon(): void;
}

/**
 * Reads a body to its end, within limits, and reports once.
 *
 * A body over the limit is `malformed`, as behind Go's http.MaxBytesReader: the same call can never succeed, while
 * `resource_exhausted` would invite a retry. It is refused from its Content-Length when that says so, and what still
 * arrives is thrown away, so that a client in the middle of sending can read the reply.
 *
 * @param hold is told how many bytes are held, each time that they grow; what it throws fails the body.
 */
export function readBody(
  request: IncomingMessage,
  payload: Readable,
  limits: BodyLimits,
  hold: (bytes: number) => void,
  report: (outcome: BodyOutcome) => void,
): BodyReading {
  /** The body so far, with room for more: a list of its chunks would weigh a hundred times as much when they are tiny. */
  let room: Buffer = EMPTY;
  let size = 0;
  let reported = false;
  // The connection keeps the process alive while that is due; a leftover of a refused body must not.
  const timer = setTimeout(onTimeout, limits.readTimeout).unref();

  payload.on("data", onData);
  payload.on("end", onEnd);
  payload.on("error", onError);
  payload.on("close", onClose);

  // A plugin that unpacks bodies puts a stream of its own in the request's place.
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
    // Most bodies come in one piece.
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
    // An ordinary end is followed by a close, for which an error would be costly to make.
    if (!reported) finish({ failure: clientGone("failed to read request: context canceled") });
  }

  function onTimeout(): void {
    // After a reply there is nothing left to say to a client that never stops sending.
    if (reported) request.destroy();
    else {
      finish({
        failure: new TwirpError("deadline_exceeded", "failed to read request: deadline exceeded"),
      });
    }
  }
}

/** Whether a Content-Encoding, which is a list, leaves the body as it is. */
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
