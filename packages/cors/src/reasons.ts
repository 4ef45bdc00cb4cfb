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

type Texts = Readonly<Record<string, Pick<Reason, "meaning" | "fix">>>;

const configurationReasons = {
  missing: {
    meaning: "No origin is allowed, and the configuration does not say that this is intended.",
    fix: "List the origins of the pages that call this server, or write none if no browser ever calls it.",
  },
  wildcard_origin_with_credentials: {
    meaning: "The origin `*` cannot be combined with credentials: browsers reject that combination.",
    fix: "List the origins, or turn credentials off; a bearer token in the Authorization header needs no credentials.",
  },
  null_origin_prohibited: {
    meaning: "Every sandboxed frame and local file has the origin null, so allowing it allows any attacker.",
    fix: "Serve the page from a real origin, for example http://localhost:5173.",
  },
  invalid_origin: {
    meaning: "The value is not an origin as a browser would send it, so it could never match.",
    fix: "Write scheme://host or scheme://host:port in lower case, with no path and no trailing slash.",
  },
  invalid_pattern: {
    meaning: "A `*` is in a place where it has no meaning.",
    fix: "Use `https://*.example.com` for subdomains, `https://app-*-team.example.com` for a part of the first label, `http://localhost:*` for ports, or `*` alone for every origin.",
  },
  default_port: {
    meaning: "The port is the default port of the scheme. Browsers leave it out, so the value could never match.",
    fix: "Remove the port.",
  },
  invalid_port: {
    meaning: "The port is not a number from 1 to 65535 without leading zeros.",
    fix: "Correct the port, or write `*` for any port.",
  },
  insecure_origin_with_credentials: {
    meaning:
      "Anyone on the network path can inject scripts into a plain http page, and those scripts could use the user's cookies.",
    fix: "Use https, or set allowInsecureOrigins if you trust the network; loopback hosts are exempt.",
  },
  public_suffix: {
    meaning:
      "Anyone can register a name under a public suffix, so the pattern covers pages of strangers: with credentials a mistake, without them a warning.",
    fix: "Name a domain that is yours, for example `https://*.example.com`, or list the origins.",
  },
  any_extension: {
    meaning:
      "Firefox gives an extension a random id in each installation, so the pattern covers every extension of every user: with credentials a mistake, without them a warning.",
    fix: "Ask for host_permissions in the extension, so that CORS does not apply to it, or list the ids of known installations.",
  },
  invalid_method: {
    meaning: "The value is not a method name that a browser could send and a server could receive.",
    fix: "Write the method in upper case, for example PATCH.",
  },
  forbidden_method: {
    meaning: "Browsers never send CONNECT, TRACE or TRACK from a page.",
    fix: "Remove the method.",
  },
  invalid_header: {
    meaning: "The value is not a header name.",
    fix: "Use letters, digits and hyphens, one name per element.",
  },
  forbidden_header: {
    meaning: "Pages can never set this request header or read this response header, even if a server allows it.",
    fix: "Remove the name; for cookies, use the setting credentials.",
  },
  prohibited_header: {
    meaning: "The name is a header of the CORS protocol itself and does not belong in this list.",
    fix: "Remove the name; the server writes the CORS headers on its own.",
  },
  wildcard_expose_with_credentials: {
    meaning: "With credentials, browsers read `*` in the exposed headers literally, as a header of that name.",
    fix: "List the response headers that the page reads.",
  },
  max_age_out_of_bounds: {
    meaning: "The maximum age is not a whole number of seconds from 1 to 86400.",
    fix: "Choose a number from 1 to 86400, or disable to have a preflight before every call.",
  },
  invalid_preflight_status: {
    meaning: "The status for preflights is neither 200 nor 204.",
    fix: "Use 204, or 200 for old clients that fail on 204.",
  },
} as const satisfies Texts;

const refusalReasons = {
  origin_not_allowed: {
    meaning: "The origin of the page is not in the list.",
    fix: "Add the exact origin to allowedOrigins, or open the page from an origin that is listed.",
  },
  malformed_request_method: {
    meaning: "Access-Control-Request-Method is not exactly one method name. No browser sends such a value.",
    fix: "Check the client and any proxy in between.",
  },
  method_not_allowed: {
    meaning: "The page wants to use a method that is not allowed; names are case-sensitive.",
    fix: "Call with an allowed method, or add this one to allowedMethods.",
  },
  malformed_request_headers: {
    meaning: "Access-Control-Request-Headers is not a list of header names. No browser sends such a value.",
    fix: "Check the client and any proxy in between.",
  },
  header_not_allowed: {
    meaning: "The page wants to send a header that is not in the list.",
    fix: "Add the header to allowedHeaders, or stop the page from sending it.",
  },
} as const satisfies Texts;

const outcomes = {
  not_cors: {
    meaning: "The request has no Origin header, so CORS does not apply.",
    fix: "Nothing to do.",
  },
  allowed: {
    meaning: "The browser lets the page continue.",
    fix: "Nothing to do.",
  },
} as const satisfies Texts;

/** Why `compile` refuses a configuration. */
export type ConfigurationReason = keyof typeof configurationReasons;

/** Why `decide` refuses a browser. */
export type RefusalReason = keyof typeof refusalReasons;

/** The result of `decide` for a request. */
export type RequestReason = RefusalReason | keyof typeof outcomes;

export const reasons: readonly Reason[] = [
  ...listed("configuration", configurationReasons),
  ...listed("request", refusalReasons),
  ...listed("outcome", outcomes),
];

function listed(about: Reason["about"], texts: Texts): Reason[] {
  return Object.entries(texts).map(([code, text]) => ({ code, about, ...text }));
}

/** @throws RangeError for an unknown code. */
export function explain(code: string): Reason {
  const reason = reasons.find((each) => each.code === code);
  if (reason === undefined) throw new RangeError(`unknown CORS reason: ${code}`);
  return reason;
}
