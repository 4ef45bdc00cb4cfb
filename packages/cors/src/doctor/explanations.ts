/**
 * Every way in which a call between origins fails, in the order in which a browser finds out, with the lines that the
 * consoles print and how to fix it. Codes never change, since scripts read them.
 *
 * Texts have placeholders: {url} {origin} {sent_origin} {method} {status}; {value} is the header value, name or list element
 * at fault; {headers} and {quoted_headers} are the headers of the page that need permission, {refused} those of them that
 * are refused, all without {response_headers}, which no page should send. {origin} is the origin of the page, {sent_origin}
 * the value of the Origin header, which is null after some redirects.
 */

/** This service, https://github.com/expressjs/cors, https://github.com/rs/cors and nginx. */
export type Server = "financeService" | "expressCors" | "rsCors" | "nginx";

/** What to change, in the terms of each server; `other` is for every server that is not named. */
export type Fixes =
  | { readonly [Name in Server]: string }
  | ({ readonly [Name in Server]?: string } & { readonly other: string });

/** The text for one server. */
export function fixFor(fixes: Fixes, server: Server): string {
  return fixes[server] ?? ("other" in fixes ? fixes.other : "");
}

const originFixes: Fixes = {
  financeService:
    "add {origin} to CORS_ALLOWED_ORIGINS; the variable replaces the default list: repeat the origins that you keep (https://*.example.com and http://localhost:* work too)",
  expressCors: 'app.use(cors({ origin: ["{origin}"] }))   before every route and every login check',
  rsCors: 'cors.New(cors.Options{AllowedOrigins: []string{"{origin}"}}).Handler(mux)   as the outermost handler',
  nginx: 'add_header Access-Control-Allow-Origin "{origin}" always;   without "always" errors have no header',
};

/** The cause of a failure, when the fix differs from the usual one for its code. */
export type Cause =
  /** The preflight is redirected to a login. */
  | "login_before_preflight"
  /** The request itself is redirected to a login. */
  | "login"
  /** The request is redirected elsewhere, by a reply without the header. */
  | "redirect"
  /** The reply is an error, without the header. */
  | "error"
  /** The preflight allowed the page, but the reply to the call lacks the header. */
  | "preflight_elsewhere";

export const fixesOfCause: Readonly<Record<Cause, Fixes>> = {
  login_before_preflight: {
    financeService: "it answers preflights without a token: let the login in front of it pass OPTIONS",
    expressCors: "app.use(cors()) before the login check; oauth2-proxy: --skip-auth-preflight",
    rsCors: "wrap the login handler too, with cors outermost; oauth2-proxy: --skip-auth-preflight",
    nginx: "answer OPTIONS in the location, before auth_request: if ($request_method = OPTIONS) { return 204; }",
  },
  login: {
    other: "answer 401 with the CORS headers instead of the redirect; let the page open the login",
    financeService: "it answers 401 and never redirects: let the login in front of it answer 401 to API calls",
    nginx: "remove error_page 401, which makes the redirect, for the API; auth_request answers 401 by itself",
  },
  redirect: {
    financeService: "it never redirects: call the redirect's target, or check the proxy in front of it",
    expressCors: "call the redirect's target; app.use(cors()) before the code that redirects",
    rsCors: "call the redirect's target; wrap the whole mux, since http.ServeMux redirects /path to /path/",
    nginx: "call the redirect's target; add_header next to return 301 too, often in another server block",
  },
  error: {
    financeService:
      "find the cause of the {status}: its own errors have the header for listed origins, so check the proxy in front of it",
    expressCors:
      "find the cause of the {status}; app.use(cors()) before everything that can fail, so that errors have the header",
    rsCors: "find the cause of the {status}; wrap the outermost handler, so that errors have the header",
    nginx: 'find the cause of the {status}; add_header ... always: without "always" errors have no header',
  },
  preflight_elsewhere: {
    financeService:
      "its replies have the header: let the proxy in front of it keep the header, and leave OPTIONS to this server",
    expressCors: "app.use(cors()) for every method, not only app.options(...)",
    rsCors: "wrap the handler itself, for every method; by hand: set the header before the check for OPTIONS too",
    nginx: 'add_header Access-Control-Allow-Origin "{origin}" always;   outside the if for OPTIONS too',
  },
};

/** For a page on plain http, whose cookies anyone on the network path could use: the policy refuses such an origin. */
export const insecureCredentialsFix =
  "serve the page over https first: this server accepts no plain http origin together with credentials; or remove withCredentials";

export const responseHeaderFixes: Fixes = {
  other: "remove {response_headers} from the call: it belongs in responses, not in requests",
};

const oneLayerFixes: Fixes = {
  financeService: "this server sends one value; remove Access-Control-* from the proxy in front of it",
  expressCors: "use cors() once, and do not set Access-Control-Allow-Origin by hand or in the proxy",
  rsCors: "wrap the handler once; remove w.Header().Add(...) from handlers, or the header from the proxy",
  nginx: "proxy_hide_header Access-Control-Allow-Origin;   or let only the application send it",
};

const credentialsFixes: Fixes = {
  financeService: "CORS_ALLOW_CREDENTIALS=true; a bearer token needs no credentials: remove withCredentials instead",
  expressCors: 'cors({ origin: ["{origin}"], credentials: true })',
  rsCors: 'cors.Options{AllowedOrigins: []string{"{origin}"}, AllowCredentials: true}',
  nginx: 'add_header Access-Control-Allow-Credentials "true" always;',
};

const methodFixes: Fixes = {
  financeService: "use POST, the only method of a Twirp service",
  expressCors: 'cors({ methods: ["{method}"] })',
  rsCors: 'cors.Options{AllowedMethods: []string{"{method}"}}',
  nginx: 'add_header Access-Control-Allow-Methods "{method}" always;',
};

const headerFixes: Fixes = {
  financeService:
    "add {refused} to CORS_ALLOWED_HEADERS; the variable replaces the default list: repeat the headers that you keep",
  expressCors: "cors({ allowedHeaders: [{quoted_headers}] }); without the option it allows every header",
  rsCors: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
  nginx: 'add_header Access-Control-Allow-Headers "{headers}" always;',
};

/** One failure, for people. */
export interface Explanation {
  /** Why it happens, in one or two sentences. */
  readonly meaning: string;
  /** After "has been blocked by CORS policy: ", or after method and URL when it begins with net::; null for nothing. */
  readonly chrome: string | null;
  /** The reason in parentheses and the rest, or a whole line that begins with "Cross-Origin". Default: `noSuccess`. */
  readonly firefox?: string;
  /** The line before "Fetch API cannot load ... due to access control checks."; null for nothing. */
  readonly safari: string | null;
  readonly fixes: Fixes;
}

/** Firefox, when no response came. */
export const noSuccess = "CORS request did not succeed). Status code: (null).";

export const explanations = {
  mixed_content: {
    meaning: "A page on https may not call a plain http URL; only loopback names and addresses are exempt.",
    chrome:
      "Mixed Content: The page at '{origin}/' was loaded over HTTPS, but requested an insecure resource '{url}'. This request has been blocked; the content must be served over HTTPS.",
    firefox: "Blocked loading mixed active content “{url}”",
    safari:
      "The page at {origin}/ requested insecure content from {url}. This content was blocked and must be served over HTTPS.",
    fixes: {
      other: "serve {url} over https and call that URL; behind a proxy that ends TLS, have redirects name https",
    },
  },
  blocked_port: {
    meaning: "Browsers refuse to call this port, because it belongs to another protocol.",
    chrome: "net::ERR_UNSAFE_PORT",
    safari: "Not allowed to use restricted network port {value}: {url}",
    fixes: {
      other:
        "listen on another port, for example 8080; https://fetch.spec.whatwg.org/#port-blocking lists the blocked ones",
      financeService: "set PORT to another one, for example 9707",
    },
  },
  host_not_found: {
    meaning: "The host name has no address. The page sees the same TypeError as for a CORS failure.",
    chrome: "net::ERR_NAME_NOT_RESOLVED",
    safari: "A server with the specified hostname could not be found.",
    fixes: { other: "correct the host name in the page's URL, or its DNS entry" },
  },
  connection_refused: {
    meaning: "Nothing listens on that host and port. The page sees the same TypeError as for a CORS failure.",
    chrome: "net::ERR_CONNECTION_REFUSED",
    safari: "Could not connect to the server.",
    fixes: {
      other: "start the server, or correct the port in the page's URL",
      financeService:
        "npm start; HOST and PORT say where it listens: by default on 127.0.0.1:9707, which other machines cannot reach",
    },
  },
  tls_failed: {
    meaning: "The TLS connection fails: the certificate is not trusted, or the port does not speak TLS.",
    chrome: "net::ERR_CERT_AUTHORITY_INVALID or another net::ERR_CERT_ or net::ERR_SSL_ error",
    safari: "The certificate for this server is invalid.",
    fixes: {
      other:
        "install a certificate that the browser trusts; for a private authority set NODE_EXTRA_CA_CERTS for this check",
      financeService: "it speaks plain http: use http://, or the https URL of the proxy in front of it",
    },
  },
  timed_out: {
    meaning: "No answer came in the time that this check allows; a browser waits for some minutes.",
    chrome: "net::ERR_TIMED_OUT",
    safari: "The request timed out.",
    fixes: { other: "check firewalls, and what the server is waiting for; --timeout makes this check wait longer" },
  },
  not_http: {
    meaning: "The program that answers on that port does not speak HTTP.",
    chrome: "net::ERR_INVALID_HTTP_RESPONSE",
    safari: "cannot parse response",
    fixes: { other: "correct the port; a port that expects TLS needs an https URL" },
  },
  invalid_response: {
    meaning: "Browsers refuse the head of the response, because it can be read in two ways or is cut off.",
    chrome: "net::ERR_INVALID_HTTP_RESPONSE",
    safari: "cannot parse response",
    fixes: { other: "send each header once, and end the head with a blank line; only proxies may send 407" },
  },
  empty_response: {
    meaning: "The server closed the connection without an answer.",
    chrome: "net::ERR_EMPTY_RESPONSE",
    safari: "The network connection was lost.",
    fixes: { other: "check the server's log: it crashed, or it speaks TLS on that port and the URL must be https" },
  },
  connection_failed: {
    meaning: "The connection broke before an answer came.",
    chrome: "net::ERR_CONNECTION_RESET or another net:: error",
    safari: "The network connection was lost.",
    fixes: { other: "check the server's log and the proxies in between" },
  },
  redirect_location: {
    meaning: "The Location header of the redirect is not a URL.",
    chrome: "net::ERR_INVALID_REDIRECT",
    safari: "Load failed",
    fixes: { other: "correct the Location header, or call the final URL" },
  },
  preflight_redirect: {
    meaning: "The preflight is answered with a redirect, and browsers do not follow redirects of preflights.",
    chrome: "Redirect is not allowed for a preflight request.",
    firefox: "CORS request external redirect not allowed).",
    safari: "Preflight response is not successful. Status code: {status}",
    fixes: {
      financeService: "it never redirects: call the final URL, or exempt OPTIONS in the proxy",
      expressCors: "call the final URL; app.use(cors()) before any redirect, such as an upgrade to https",
      rsCors: "call the final URL; wrap the whole mux, since http.ServeMux redirects /path to /path/",
      nginx: "call the final URL; answer OPTIONS before return 301: if ($request_method = OPTIONS) { return 204; }",
    },
  },
  allow_origin_missing: {
    meaning: "The response does not say that a page of another origin may read it.",
    chrome: "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ missing). Status code: {status}.",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fixes: originFixes,
  },
  allow_origin_repeated: {
    meaning: "The header came more than once; browsers join the lines into one value, which matches no origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed. Have the server send the header with a valid value.",
    firefox: "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed).",
    safari: "Access-Control-Allow-Origin cannot contain more than one origin.",
    fixes: oneLayerFixes,
  },
  allow_origin_list: {
    meaning: "The header holds a list; browsers compare it as one value, which matches no origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Access-Control-Allow-Origin cannot contain more than one origin.",
    fixes: {
      ...originFixes,
      expressCors:
        'cors({ origin: ["{origin}"] })   an array, which matches the origin of the request; not one string with commas',
      nginx: "map $http_origin $cors { default ''; '{origin}' $http_origin; }   then add_header ... $cors always;",
    },
  },
  wildcard_origin_with_credentials: {
    meaning: "A call with credentials needs the exact origin; * is not enough.",
    chrome:
      "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the request's credentials mode is 'include'.",
    firefox: "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’).",
    safari: "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.",
    fixes: {
      ...credentialsFixes,
      financeService: "CORS_ALLOWED_ORIGINS={origin} with CORS_ALLOW_CREDENTIALS=true, or remove withCredentials",
      nginx: 'add_header Access-Control-Allow-Origin "{origin}" always;   and Allow-Credentials "true"',
    },
  },
  invalid_origin: {
    meaning: "The value of the header is not an origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fixes: originFixes,
  },
  origin_not_allowed: {
    meaning: "The allowed origin is not the page's; scheme, host and port must be equal, byte for byte.",
    chrome:
      "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fixes: originFixes,
  },
  credentials_not_allowed: {
    meaning: "The page sends cookies, but Access-Control-Allow-Credentials is not exactly true.",
    chrome:
      "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true' when the request's credentials mode is 'include'.",
    firefox: "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’).",
    safari: 'Credentials flag is true, but Access-Control-Allow-Credentials is not "true".',
    fixes: credentialsFixes,
  },
  preflight_status: {
    meaning:
      "The answer to the preflight does not have a status from 200 to 299, often because the server does not know OPTIONS here.",
    chrome: "It does not have HTTP ok status.",
    firefox: "CORS preflight response did not succeed). Status code: {status}.",
    safari: "Preflight response is not successful. Status code: {status}",
    fixes: {
      financeService:
        "it answers preflights with CORS_PREFLIGHT_STATUS; 403 means that {origin} is not in CORS_ALLOWED_ORIGINS",
      expressCors: "app.use(cors()) before routes and authentication; it answers OPTIONS with 204",
      rsCors:
        "cors.New(options).Handler(mux) outermost; by hand: if r.Method == http.MethodOptions { w.WriteHeader(204); return }",
      nginx: "if ($request_method = OPTIONS) { return 204; }   in the location, with its add_header lines",
    },
  },
  invalid_method: {
    meaning: "An element of Access-Control-Allow-Methods is not a method name, which makes the whole list invalid.",
    chrome: "Cannot parse Access-Control-Allow-Methods response header field in preflight response.",
    firefox: "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Methods’).",
    safari: "Header Access-Control-Allow-Methods has an invalid value: {value}",
    fixes: { ...methodFixes, financeService: "this server cannot send that; check the proxy in front of it" },
  },
  invalid_header: {
    meaning: "An element of Access-Control-Allow-Headers is not a header name, which makes the whole list invalid.",
    chrome: "Cannot parse Access-Control-Allow-Headers response header field in preflight response.",
    firefox: "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Headers’).",
    safari: "Header Access-Control-Allow-Headers has an invalid value: {value}",
    fixes: { ...headerFixes, financeService: "this server cannot send that; check the proxy in front of it" },
  },
  method_not_allowed: {
    meaning: "The method is not in Access-Control-Allow-Methods; names are case-sensitive.",
    chrome: "Method {value} is not allowed by Access-Control-Allow-Methods in preflight response.",
    firefox: "Did not find method in CORS header ‘Access-Control-Allow-Methods’).",
    safari: "Method {value} is not allowed by Access-Control-Allow-Methods.",
    fixes: methodFixes,
  },
  header_not_allowed: {
    meaning: "The page sends a header that is not in Access-Control-Allow-Headers.",
    chrome: "Request header field {value} is not allowed by Access-Control-Allow-Headers in preflight response.",
    firefox:
      "header ‘{value}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS preflight response).",
    safari: "Request header field {value} is not allowed by Access-Control-Allow-Headers.",
    fixes: headerFixes,
  },
  wildcard_without_authorization: {
    meaning:
      "By the standard, * in Access-Control-Allow-Headers does not cover authorization. Browsers still accept it; only --strict fails.",
    chrome: null,
    firefox:
      "Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at {url} soon. (Reason: When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. To include the `Authorization` header, it must be explicitly listed in CORS header `Access-Control-Allow-Headers`).",
    safari: null,
    fixes: {
      financeService: "CORS_ALLOWED_HEADERS=*,authorization",
      expressCors: "cors({ allowedHeaders: [{quoted_headers}] }), or omit the option",
      rsCors: "cors.Options{AllowedHeaders: []string{{quoted_headers}}}",
      nginx: 'add_header Access-Control-Allow-Headers "*, authorization" always;',
    },
  },
  redirect_scheme: {
    meaning: "The redirect leads to a scheme other than http and https, which fetch does not follow.",
    chrome:
      "Cross origin requests are only supported for protocol schemes: chrome, chrome-extension, chrome-untrusted, data, http, https, isolated-app.",
    safari: "not allowed to follow a cross-origin CORS redirection with non CORS scheme",
    fixes: { other: "correct the Location header, or call the final URL" },
  },
  redirect_count: {
    meaning: "There are more than twenty redirects, which browsers treat as a loop.",
    chrome: "net::ERR_TOO_MANY_REDIRECTS",
    safari: "Load cannot follow more than 20 redirections",
    fixes: { other: "end the loop, often between http and https, or between URLs with and without a trailing slash" },
  },
  redirect_credentials: {
    meaning: "The redirect leads to a URL with a user name or password in it.",
    chrome: "Redirect location '' contains a username and password, which is disallowed for cross-origin requests.",
    safari: "redirection URL {value} has credentials",
    fixes: { other: "redirect to a URL without a user name, or call the final URL" },
  },
} as const satisfies Readonly<Record<string, Explanation>>;

/** Never changes: scripts read it. A situation for which the policy has a reason has the code of that reason. */
export type FailureCode = keyof typeof explanations;

export function explainFailure(code: FailureCode): Explanation {
  return explanations[code];
}
