/**
 * Every way in which a call between origins fails, in the order in which a browser finds out, with the lines that the
 * consoles print and how to fix it. Codes never change, since scripts read them.
 *
 * placeholders.ts lists the placeholders of the texts.
 */

import type { FixKind, GeneralFix } from "./fixes/index.ts";

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
  /** A kind of fix, which each framework has in its own words, or one text for all servers. */
  readonly fix: FixKind | GeneralFix;
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
    fix: {
      other: "serve {url} over https and call that URL; behind a proxy that ends TLS, have redirects name https",
    },
  },
  blocked_port: {
    meaning: "Browsers refuse to call this port, because it belongs to another protocol.",
    chrome: "net::ERR_UNSAFE_PORT",
    safari: "Not allowed to use restricted network port {value}: {url}",
    fix: {
      other:
        "listen on another port, for example 8080; https://fetch.spec.whatwg.org/#port-blocking lists the blocked ones",
      financeService: "set PORT to another one, for example 9707",
    },
  },
  host_not_found: {
    meaning: "The host name has no address. The page sees the same TypeError as for a CORS failure.",
    chrome: "net::ERR_NAME_NOT_RESOLVED",
    safari: "A server with the specified hostname could not be found.",
    fix: { other: "correct the host name in the page's URL, or its DNS entry" },
  },
  connection_refused: {
    meaning: "Nothing listens on that host and port. The page sees the same TypeError as for a CORS failure.",
    chrome: "net::ERR_CONNECTION_REFUSED",
    safari: "Could not connect to the server.",
    fix: {
      other: "start the server, or correct the port in the page's URL",
      financeService:
        "npm start; HOST and PORT say where it listens: by default on 127.0.0.1:9707, which other machines cannot reach",
    },
  },
  tls_failed: {
    meaning: "The TLS connection fails: the certificate is not trusted, or the port does not speak TLS.",
    chrome: "net::ERR_CERT_AUTHORITY_INVALID or another net::ERR_CERT_ or net::ERR_SSL_ error",
    safari: "The certificate for this server is invalid.",
    fix: {
      other:
        "install a certificate that the browser trusts; for a private authority set NODE_EXTRA_CA_CERTS for this check",
      financeService: "it speaks plain http: use http://, or the https URL of the proxy in front of it",
    },
  },
  local_network_insecure_page: {
    meaning: "A page from the internet may call a server in the local network only if the page is on https.",
    chrome: "The request client is not a secure context and the resource is in more-private address space `{value}`.",
    safari: null,
    fix: {
      other:
        "serve the page over https, so that Chrome asks the user; for development open it from http://localhost, whose calls are not restricted",
      financeService: "open the page from http://localhost:5173 (npm run dev), or serve it over https",
    },
  },
  local_network_denied: {
    meaning:
      "A page from the internet may call a server in the local network or on the user's machine only if the user allows it, and the user did not.",
    chrome: "Permission was denied for this request to access the `{value}` address space.",
    safari: null,
    fix: {
      other:
        "let the user allow it: the icon left of the address, then Site settings; or call a server with a public address; for development open the page from http://localhost, whose calls are not restricted",
      financeService:
        "for development open the page from http://localhost:5173 (npm run dev); otherwise give the API a public https address, or let the user allow access in Chrome's site settings",
    },
  },
  address_space_mismatch: {
    meaning: "The page announced an address space with targetAddressSpace, and the server's address is in another one.",
    chrome: "Request had a target IP address space of `{target_space}` yet the resource is in address space `{value}`.",
    safari: null,
    fix: { other: 'remove targetAddressSpace from the call, or set it to "{value}"' },
  },
  timed_out: {
    meaning: "No answer came in the time that this check allows; a browser waits for some minutes.",
    chrome: "net::ERR_TIMED_OUT",
    safari: "The request timed out.",
    fix: { other: "check firewalls, and what the server is waiting for; --timeout makes this check wait longer" },
  },
  not_http: {
    meaning: "The program that answers on that port does not speak HTTP.",
    chrome: "net::ERR_INVALID_HTTP_RESPONSE",
    safari: "cannot parse response",
    fix: { other: "correct the port; a port that expects TLS needs an https URL" },
  },
  invalid_response: {
    meaning: "Browsers refuse the head of the response, because it can be read in two ways or is cut off.",
    chrome: "net::ERR_INVALID_HTTP_RESPONSE",
    safari: "cannot parse response",
    fix: { other: "send each header once, and end the head with a blank line; only proxies may send 407" },
  },
  empty_response: {
    meaning: "The server closed the connection without an answer.",
    chrome: "net::ERR_EMPTY_RESPONSE",
    safari: "The network connection was lost.",
    fix: { other: "check the server's log: it crashed, or it speaks TLS on that port and the URL must be https" },
  },
  connection_failed: {
    meaning: "The connection broke before an answer came.",
    chrome: "net::ERR_CONNECTION_RESET or another net:: error",
    safari: "The network connection was lost.",
    fix: { other: "check the server's log and the proxies in between" },
  },
  redirect_location: {
    meaning: "The Location header of the redirect is not a URL.",
    chrome: "net::ERR_INVALID_REDIRECT",
    safari: "Load failed",
    fix: { other: "correct the Location header, or call the final URL" },
  },
  preflight_redirect: {
    meaning: "The preflight is answered with a redirect, and browsers do not follow redirects of preflights.",
    chrome: "Redirect is not allowed for a preflight request.",
    firefox: "CORS request external redirect not allowed).",
    safari: "Preflight response is not successful. Status code: {status}",
    fix: "preflight_redirect",
  },
  allow_origin_missing: {
    meaning: "The response does not say that a page of another origin may read it.",
    chrome: "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ missing). Status code: {status}.",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fix: "allow_origin",
  },
  allow_origin_repeated: {
    meaning: "The header came more than once; browsers join the lines into one value, which matches no origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed. Have the server send the header with a valid value.",
    firefox: "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed).",
    safari: "Access-Control-Allow-Origin cannot contain more than one origin.",
    fix: "one_layer",
  },
  allow_origin_list: {
    meaning: "The header holds a list; browsers compare it as one value, which matches no origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Access-Control-Allow-Origin cannot contain more than one origin.",
    fix: "origin_list",
  },
  wildcard_origin_with_credentials: {
    meaning: "A call with credentials needs the exact origin; * is not enough.",
    chrome:
      "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the request's credentials mode is 'include'.",
    firefox: "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’).",
    safari: "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.",
    fix: "origin_with_credentials",
  },
  invalid_origin: {
    meaning: "The value of the header is not an origin.",
    chrome:
      "The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fix: "allow_origin",
  },
  origin_not_allowed: {
    meaning: "The allowed origin is not the page's; scheme, host and port must be equal, byte for byte.",
    chrome:
      "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin. Have the server send the header with a valid value.",
    firefox: "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).",
    safari: "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}",
    fix: "allow_origin",
  },
  credentials_not_allowed: {
    meaning: "The page sends cookies, but Access-Control-Allow-Credentials is not exactly true.",
    chrome:
      "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true' when the request's credentials mode is 'include'.",
    firefox: "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’).",
    safari: 'Credentials flag is true, but Access-Control-Allow-Credentials is not "true".',
    fix: "allow_credentials",
  },
  preflight_status: {
    meaning:
      "The answer to the preflight does not have a status from 200 to 299, often because the server does not know OPTIONS here.",
    chrome: "It does not have HTTP ok status.",
    firefox: "CORS preflight response did not succeed). Status code: {status}.",
    safari: "Preflight response is not successful. Status code: {status}",
    fix: "answer_preflight",
  },
  invalid_method: {
    meaning: "An element of Access-Control-Allow-Methods is not a method name, which makes the whole list invalid.",
    chrome: "Cannot parse Access-Control-Allow-Methods response header field in preflight response.",
    firefox: "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Methods’).",
    safari: "Header Access-Control-Allow-Methods has an invalid value: {value}",
    fix: "valid_methods",
  },
  invalid_header: {
    meaning: "An element of Access-Control-Allow-Headers is not a header name, which makes the whole list invalid.",
    chrome: "Cannot parse Access-Control-Allow-Headers response header field in preflight response.",
    firefox: "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Headers’).",
    safari: "Header Access-Control-Allow-Headers has an invalid value: {value}",
    fix: "valid_headers",
  },
  method_not_allowed: {
    meaning: "The method is not in Access-Control-Allow-Methods; names are case-sensitive.",
    chrome: "Method {value} is not allowed by Access-Control-Allow-Methods in preflight response.",
    firefox: "Did not find method in CORS header ‘Access-Control-Allow-Methods’).",
    safari: "Method {value} is not allowed by Access-Control-Allow-Methods.",
    fix: "allow_method",
  },
  header_not_allowed: {
    meaning: "The page sends a header that is not in Access-Control-Allow-Headers.",
    chrome: "Request header field {value} is not allowed by Access-Control-Allow-Headers in preflight response.",
    firefox:
      "header ‘{value}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS preflight response).",
    safari: "Request header field {value} is not allowed by Access-Control-Allow-Headers.",
    fix: "allow_header",
  },
  wildcard_without_authorization: {
    meaning:
      "By the standard, * in Access-Control-Allow-Headers does not cover authorization. Browsers still accept it; only --strict fails.",
    chrome: null,
    firefox:
      "Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at {url} soon. (Reason: When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. To include the `Authorization` header, it must be explicitly listed in CORS header `Access-Control-Allow-Headers`).",
    safari: null,
    fix: "name_authorization",
  },
  redirect_scheme: {
    meaning: "The redirect leads to a scheme other than http and https, which fetch does not follow.",
    chrome:
      "Cross origin requests are only supported for protocol schemes: chrome, chrome-extension, chrome-untrusted, data, http, https, isolated-app.",
    safari: "not allowed to follow a cross-origin CORS redirection with non CORS scheme",
    fix: { other: "correct the Location header, or call the final URL" },
  },
  redirect_count: {
    meaning: "There are more than twenty redirects, which browsers treat as a loop.",
    chrome: "net::ERR_TOO_MANY_REDIRECTS",
    safari: "Load cannot follow more than 20 redirections",
    fix: { other: "end the loop, often between http and https, or between URLs with and without a trailing slash" },
  },
  redirect_credentials: {
    meaning: "The redirect leads to a URL with a user name or password in it.",
    chrome: "Redirect location '' contains a username and password, which is disallowed for cross-origin requests.",
    safari: "redirection URL {value} has credentials",
    fix: { other: "redirect to a URL without a user name, or call the final URL" },
  },
} as const satisfies Readonly<Record<string, Explanation>>;

/** Never changes: scripts read it. A situation for which the policy has a reason has the code of that reason. */
export type FailureCode = keyof typeof explanations;

export function explainFailure(code: FailureCode): Explanation {
  return explanations[code];
}
