/**
 * Every reason for a refusal: first those that `compile` finds in a configuration, then those that `decide` finds in a
 * request, each part in the order of precedence. The log, the metrics and the docs use this list.
 */
interface Reason {
  /** Never changes: log queries, metric labels and tests rely on it. */
  readonly code: string;
  /** `configuration`: the server does not start; `request`: a browser is refused; `outcome`: nothing is wrong. */
  readonly about: "configuration" | "request" | "outcome";
  /** One sentence. */
  readonly meaning: string;
  /** What to change, in one sentence; settings have the names of `CorsConfig`. */
  readonly fix: string;
}

export const reasons = [
  {
    code: "missing",
    about: "configuration",
    meaning: "No origin is allowed, and the configuration does not say that this is intended.",
    fix: "List the origins of the pages that call this server, or write none if no browser ever calls it.",
  },
  {
    code: "wildcard_origin_with_credentials",
    about: "configuration",
    meaning: "The origin `*` cannot be combined with credentials: browsers reject that combination.",
    fix: "List the origins, or turn credentials off; a bearer token in the Authorization header needs no credentials.",
  },
  {
    code: "null_origin_prohibited",
    about: "configuration",
    meaning: "Every sandboxed frame and local file has the origin null, so allowing it allows any attacker.",
    fix: "Serve the page from a real origin, for example http://localhost:5173.",
  },
  {
    code: "invalid_origin",
    about: "configuration",
    meaning: "The value is not an origin as a browser would send it, so it could never match.",
    fix: "Write scheme://host or scheme://host:port in lower case, with no path and no trailing slash.",
  },
  {
    code: "invalid_pattern",
    about: "configuration",
    meaning: "A `*` is in a place where it has no meaning.",
    fix: "Use `https://*.example.com` for subdomains, `http://localhost:*` for ports, or `*` alone for every origin.",
  },
  {
    code: "default_port",
    about: "configuration",
    meaning: "The port is the default port of the scheme. Browsers leave it out, so the value could never match.",
    fix: "Remove the port.",
  },
  {
    code: "invalid_port",
    about: "configuration",
    meaning: "The port is not a number from 1 to 65535 without leading zeros.",
    fix: "Correct the port, or write `*` for any port.",
  },
  {
    code: "insecure_origin_with_credentials",
    about: "configuration",
    meaning:
      "Anyone on the network path can inject scripts into a plain http page, and those scripts could use the user's cookies.",
    fix: "Use https, or set allowInsecureOrigins if you trust the network; loopback hosts are exempt.",
  },
  {
    code: "public_suffix",
    about: "configuration",
    meaning: "Anyone can register a name under a public suffix, so the pattern would trust strangers with credentials.",
    fix: "Name a domain that is yours, for example `https://*.example.com`.",
  },
  {
    code: "invalid_method",
    about: "configuration",
    meaning: "The value is not a method name that a browser could send and a server could receive.",
    fix: "Write the method in upper case, for example PATCH.",
  },
  {
    code: "forbidden_method",
    about: "configuration",
    meaning: "Browsers never send CONNECT, TRACE or TRACK from a page.",
    fix: "Remove the method.",
  },
  {
    code: "invalid_header",
    about: "configuration",
    meaning: "The value is not a header name.",
    fix: "Use letters, digits and hyphens, one name per element.",
  },
  {
    code: "forbidden_header",
    about: "configuration",
    meaning: "Pages can never set this request header or read this response header, even if a server allows it.",
    fix: "Remove the name; for cookies, use the setting credentials.",
  },
  {
    code: "prohibited_header",
    about: "configuration",
    meaning: "The name is a header of the CORS protocol itself and does not belong in this list.",
    fix: "Remove the name; the server writes the CORS headers on its own.",
  },
  {
    code: "wildcard_expose_with_credentials",
    about: "configuration",
    meaning: "With credentials, browsers read `*` in the exposed headers literally, as a header of that name.",
    fix: "List the response headers that the page reads.",
  },
  {
    code: "max_age_out_of_bounds",
    about: "configuration",
    meaning: "The maximum age is not a whole number of seconds from 1 to 86400.",
    fix: "Choose a number in that range, or disable to have a preflight before every call.",
  },
  {
    code: "invalid_preflight_status",
    about: "configuration",
    meaning: "The status for preflights is neither 200 nor 204.",
    fix: "Use 204, or 200 for old clients that fail on 204.",
  },
  {
    code: "origin_not_allowed",
    about: "request",
    meaning: "The origin of the page is not in the list.",
    fix: "Add the exact origin to allowedOrigins, or open the page from an origin that is listed.",
  },
  {
    code: "malformed_request_method",
    about: "request",
    meaning: "Access-Control-Request-Method is not exactly one method name. No browser sends such a value.",
    fix: "Check the client and any proxy in between.",
  },
  {
    code: "method_not_allowed",
    about: "request",
    meaning: "The page wants to use a method that is not allowed; names are case-sensitive.",
    fix: "Call with an allowed method, or add this one to allowedMethods.",
  },
  {
    code: "malformed_request_headers",
    about: "request",
    meaning: "Access-Control-Request-Headers is not a list of header names. No browser sends such a value.",
    fix: "Check the client and any proxy in between.",
  },
  {
    code: "header_not_allowed",
    about: "request",
    meaning: "The page wants to send a header that is not in the list.",
    fix: "Add the header to allowedHeaders, or stop the page from sending it.",
  },
  {
    code: "not_cors",
    about: "outcome",
    meaning: "The request has no Origin header, so CORS does not apply.",
    fix: "Nothing to do.",
  },
  {
    code: "allowed",
    about: "outcome",
    meaning: "The browser lets the page continue.",
    fix: "Nothing to do.",
  },
] as const satisfies readonly Reason[];

type Listed = (typeof reasons)[number];

/** Why a configuration is refused by `compile`. */
export type ConfigurationReason = Extract<Listed, { about: "configuration" }>["code"];

/** Why a browser is refused by `decide`. */
export type RefusalReason = Extract<Listed, { about: "request" }>["code"];

/** What `decide` may say about a request. */
export type RequestReason = Extract<Listed, { about: "request" | "outcome" }>["code"];

/** The reason with this code. */
export function explain(code: Listed["code"]): Reason {
  const entry = entries.get(code);
  if (entry === undefined) throw new RangeError(`unknown CORS reason: ${code}`);
  return entry;
}

const entries: ReadonlyMap<string, Reason> = new Map(reasons.map((reason) => [reason.code, reason]));
