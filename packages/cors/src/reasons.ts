/**
 * Every reason for which this room refuses something: first what `compile` finds in a configuration, then what `decide`
 * finds in a request, each part in the order of precedence. The log, the metrics and the docs walk this list.
 */
interface Reason {
  /** Stable: log queries, metric labels and tests rely on it. */
  readonly code: string;
  /** `configuration`: the server does not start; `request`: a browser is refused; `outcome`: nothing is wrong. */
  readonly about: "configuration" | "request" | "outcome";
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What to change, in one sentence. */
  readonly cure: string;
}

export const reasons = [
  {
    code: "missing",
    about: "configuration",
    meaning: "No origin is allowed and nothing says that this is meant.",
    cure: "List the origins of the pages that call this server, or write none when no browser ever does.",
  },
  {
    code: "wildcard_origin_with_credentials",
    about: "configuration",
    meaning: "The origin `*` cannot be combined with credentials: no browser accepts that pair.",
    cure: "List the origins, or turn credentials off; a bearer token in the Authorization header needs no credentials.",
  },
  {
    code: "null_origin_prohibited",
    about: "configuration",
    meaning: "The origin null is shared by every sandboxed frame and local file, so allowing it allows any attacker.",
    cure: "Serve the page from a real origin, for example http://localhost:5173.",
  },
  {
    code: "invalid_origin",
    about: "configuration",
    meaning: "The value is not an origin as a browser would send it, so it could never match.",
    cure: "Write scheme://host or scheme://host:port in lower case, with no path and no trailing slash.",
  },
  {
    code: "invalid_pattern",
    about: "configuration",
    meaning: "A `*` stands where none is understood.",
    cure: "Use `https://*.example.com` for subdomains, `http://localhost:*` for ports, or `*` alone for every origin.",
  },
  {
    code: "default_port",
    about: "configuration",
    meaning: "The port is the default of its scheme, which browsers leave out, so the value could never match.",
    cure: "Drop the port.",
  },
  {
    code: "invalid_port",
    about: "configuration",
    meaning: "The port is not a number from 1 to 65535 without leading zeros.",
    cure: "Correct the port, or write `*` for any port.",
  },
  {
    code: "insecure_origin_with_credentials",
    about: "configuration",
    meaning:
      "Anyone on the network path can inject script into a plain http page, and would act with the user's cookies.",
    cure: "Use https, or set allowInsecureOrigins when the network is trusted; loopback hosts are exempt.",
  },
  {
    code: "public_suffix",
    about: "configuration",
    meaning: "Anyone can register a name below a public suffix, so the pattern trusts strangers with credentials.",
    cure: "Name the domain that is yours, for example `https://*.example.com`.",
  },
  {
    code: "invalid_method",
    about: "configuration",
    meaning: "The value is not a method name that a browser could send and this server could receive.",
    cure: "Write the method in upper case, for example PATCH.",
  },
  {
    code: "forbidden_method",
    about: "configuration",
    meaning: "Browsers never send CONNECT, TRACE or TRACK from a page.",
    cure: "Remove the method.",
  },
  {
    code: "invalid_header",
    about: "configuration",
    meaning: "The value is not a header name.",
    cure: "Use letters, digits and hyphens, one name per element.",
  },
  {
    code: "forbidden_header",
    about: "configuration",
    meaning: "Pages cannot set this request header or read this response header, whatever a server allows.",
    cure: "Remove the name; cookies are governed by credentials.",
  },
  {
    code: "prohibited_header",
    about: "configuration",
    meaning: "The name belongs to the CORS protocol itself and has no place in this list.",
    cure: "Remove the name; this server writes the CORS headers on its own.",
  },
  {
    code: "wildcard_expose_with_credentials",
    about: "configuration",
    meaning: "With credentials a browser takes `*` in the exposed headers literally, as a header of that name.",
    cure: "List the response headers that the page reads.",
  },
  {
    code: "max_age_out_of_bounds",
    about: "configuration",
    meaning: "The maximum age is not a whole number of seconds from 1 to 86400.",
    cure: "Choose one in that range, or disable to have every call preflighted.",
  },
  {
    code: "invalid_preflight_status",
    about: "configuration",
    meaning: "The status of an answered preflight is neither 200 nor 204.",
    cure: "Use 204, or 200 for old clients that stumble over 204.",
  },
  {
    code: "origin_not_allowed",
    about: "request",
    meaning: "The origin of the page is not in the list.",
    cure: "Add the exact origin to CORS_ALLOWED_ORIGINS, or open the page from one that is listed.",
  },
  {
    code: "malformed_request_method",
    about: "request",
    meaning: "Access-Control-Request-Method does not hold exactly one method name, which no browser would send.",
    cure: "Look at the client or at the proxy in between.",
  },
  {
    code: "method_not_allowed",
    about: "request",
    meaning: "The page wants to use a method that is not allowed; names are case-sensitive.",
    cure: "Call with an allowed method, for Twirp always POST.",
  },
  {
    code: "malformed_request_headers",
    about: "request",
    meaning: "Access-Control-Request-Headers is not a list of header names, which no browser would send.",
    cure: "Look at the client or at the proxy in between.",
  },
  {
    code: "header_not_allowed",
    about: "request",
    meaning: "The page wants to send a header that is not in the list.",
    cure: "Add the header to CORS_ALLOWED_HEADERS, or stop the page from sending it.",
  },
  {
    code: "not_cors",
    about: "outcome",
    meaning: "The request carries no Origin header, so CORS has no say.",
    cure: "Nothing to do.",
  },
  {
    code: "allowed",
    about: "outcome",
    meaning: "The browser lets the page go on.",
    cure: "Nothing to do.",
  },
] as const satisfies readonly Reason[];

type Listed = (typeof reasons)[number];

/** Why a configuration is refused by `compile`. */
export type ConfigurationReason = Extract<Listed, { about: "configuration" }>["code"];

/** Why a browser is refused by `decide`. */
export type RefusalReason = Extract<Listed, { about: "request" }>["code"];

/** What `decide` may say about a request. */
export type RequestReason = Extract<Listed, { about: "request" | "outcome" }>["code"];

/** The entry of a code, for messages. */
export function explain(code: Listed["code"]): Reason {
  const entry = entries.get(code);
  if (entry === undefined) throw new RangeError(`unknown CORS reason: ${code}`);
  return entry;
}

const entries: ReadonlyMap<string, Reason> = new Map(reasons.map((reason) => [reason.code, reason]));
