import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { clientGone } from "./call-signal.ts";
import { quote } from "./quote.ts";

/** What a request body may cost. */
export interface BodyLimits {
  /** Most bytes of a body. */
  readonly bodyLimit: number;
  /** Milliseconds until the whole body has to be here. */
  readonly readTimeout: number;
}

/** How reading a body ended. */
export type BodyOutcome = { readonly body: Buffer } | { readonly failure: TwirpError };

const EMPTY = Buffer.alloc(0);

/**
 * Reads a body to its end, within limits, and reports once.
 *
 * A body over the limit is `malformed`, as behind Go's http.MaxBytesReader: the same call can never succeed, while
 * `resource_exhausted` would invite a retry. It is refused from its Content-Length when that says so, and what still
 * arrives is thrown away, so that a client in the middle of sending can read the reply.
 */
export function readBody(
  request: IncomingMessage,
  payload: Readable,
  limits: BodyLimits,
  report: (outcome: BodyOutcome) => void,
): void {
  const chunks: Buffer[] = [];
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
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") finish({ failure: encoded(encoding) });
  const declared = Number(request.headers["content-length"]);
  if (declared > limits.bodyLimit) finish({ failure: tooLarge(limits.bodyLimit, `${declared} are declared`) });

  function finish(outcome: BodyOutcome): void {
    if (reported) return;
    reported = true;
    chunks.length = 0;
    report(outcome);
  }

  function onData(chunk: Buffer): void {
    if (reported) return;
    size += chunk.length;
    if (size > limits.bodyLimit) finish({ failure: tooLarge(limits.bodyLimit, `${size} came so far`) });
    else chunks.push(chunk);
  }

  function onEnd(): void {
    clearTimeout(timer);
    const [first] = chunks;
    finish({ body: chunks.length > 1 ? Buffer.concat(chunks, size) : (first ?? EMPTY) });
  }

  function onError(error: Error): void {
    clearTimeout(timer);
    if (request.destroyed && !request.complete) onClose();
    else {
      const failure = new TwirpError(TwirpErrorCode.Malformed, "failed to read request body").withCause(error);
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
        failure: new TwirpError(TwirpErrorCode.DeadlineExceeded, "failed to read request: deadline exceeded"),
      });
    }
  }
}

function encoded(encoding: string): TwirpError {
  const msg = `request body has Content-Encoding ${quote(encoding)}, which is not supported: send it unencoded`;
  return new TwirpError(TwirpErrorCode.Malformed, msg);
}

function tooLarge(limit: number, found: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Malformed, `request body is larger than ${limit} bytes: ${found}`);
}
