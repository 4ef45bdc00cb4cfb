import type { FastifyInstance } from "fastify";
import { CODE_OF_FOREIGN_STATUS, readCode } from "./codes.ts";
import { MEDIA_TYPE } from "./reply.ts";
import { TwirpError } from "./twirp-ts.ts";

/** Options of `injectTransport`. */
export interface InjectTransportOptions {
  /** The prefix under which the services are mounted. Default `/twirp`. */
  readonly prefix?: string;
  /** Headers of every call, as `authorization`. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The transport of a client that twirp-ts generated. */
export interface TwirpTransport {
  /** Rejects with a `TwirpError` when the call fails. */
  request(
    service: string,
    method: string,
    contentType: "application/json" | "application/protobuf",
    data: object | Uint8Array,
  ): Promise<object | Uint8Array>;
}

/**
 * Calls the services of an app in process: without a socket, but through routing, hooks and codecs. For tests, and for
 * code in the same process.
 *
 * @example
 * const client = new FinanceServiceClientProtobuf(injectTransport(app, { headers: { authorization } }));
 * const account = await client.GetAccount({ id: 4n });
 */
export function injectTransport(app: FastifyInstance, options: InjectTransportOptions = {}): TwirpTransport {
  const { prefix = "/twirp", headers = {} } = options;
  return {
    async request(service, method, contentType, data) {
      const { statusCode, rawPayload } = await app.inject({
        method: "POST",
        url: `${prefix}/${service}/${method}`,
        headers: { ...headers, "content-type": contentType },
        payload: isBytes(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : JSON.stringify(data),
      });
      if (statusCode !== 200) throw errorOf(statusCode, rawPayload.toString());
      // A copy, because the Buffer may share its memory.
      return contentType === MEDIA_TYPE.json ? JSON.parse(rawPayload.toString()) : new Uint8Array(rawPayload);
    },
  };
}

function isBytes(data: object): data is Uint8Array {
  return data instanceof Uint8Array;
}

function errorOf(status: number, body: string): TwirpError {
  const { code: written, msg, meta } = membersOf(body);
  const code = typeof written === "string" ? readCode(written) : undefined;
  if (code === undefined) return foreignError(status, body);
  const error = new TwirpError(code, typeof msg === "string" ? msg : "");
  for (const [key, value] of Object.entries(meta ?? {})) error.withMeta(key, String(value));
  return error;
}

function membersOf(body: string): Partial<Record<"code" | "msg" | "meta", unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/**
 * The error for a reply that is not in Twirp's form, for example from a hook of the application.
 * https://twitchtv.github.io/twirp/docs/errors.html#http-errors-from-intermediary-proxies
 */
function foreignError(status: number, body: string): TwirpError {
  const isRedirect = status >= 300 && status < 400;
  const code = isRedirect ? "internal" : (CODE_OF_FOREIGN_STATUS[status] ?? "unknown");
  return new TwirpError(code, `HTTP status ${status}`)
    .withMeta("http_error_from_intermediary", "true")
    .withMeta("status_code", String(status))
    .withMeta("body", body);
}
