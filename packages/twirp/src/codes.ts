/**
 * The error codes of Twirp: the one table for servers, clients and generators. It has no imports, because browsers load
 * it too, and each of its exports can be left out of a bundle alone.
 */

/** The HTTP status of each code. https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes */
export const STATUS_OF_CODE = {
  canceled: 408,
  unknown: 500,
  invalid_argument: 400,
  malformed: 400,
  deadline_exceeded: 408,
  not_found: 404,
  bad_route: 404,
  already_exists: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  failed_precondition: 412,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
} as const;

/** A Twirp error code. */
export type TwirpCode = keyof typeof STATUS_OF_CODE;

/** Whether a server may write this code. */
export function isTwirpCode(text: string): text is TwirpCode {
  return Object.hasOwn(STATUS_OF_CODE, text);
}

/** The code that a server wrote; undefined for a text that is not a code. */
export function readCode(text: string): TwirpCode | undefined {
  // The specification's table has a misprint, and servers that follow it write that.
  const code = text === "dataloss" ? "data_loss" : text;
  return isTwirpCode(code) ? code : undefined;
}

/**
 * The code for a reply that is not in Twirp's form, by its HTTP status. Redirects are `internal` and all other statuses
 * `unknown`. https://twitchtv.github.io/twirp/docs/errors.html#http-errors-from-intermediary-proxies
 */
export const CODE_OF_FOREIGN_STATUS: Readonly<Record<number, TwirpCode>> = {
  400: "internal",
  401: "unauthenticated",
  403: "permission_denied",
  404: "bad_route",
  429: "resource_exhausted",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** The code for an error of the HTTP server itself, as a body over its limit, by the status that the error asks for. */
export const CODE_OF_SERVER_STATUS: Readonly<Record<number, TwirpCode>> = {
  400: "malformed",
  401: "unauthenticated",
  403: "permission_denied",
  404: "bad_route",
  408: "deadline_exceeded",
  413: "malformed",
  415: "bad_route",
  429: "resource_exhausted",
  503: "unavailable",
};
