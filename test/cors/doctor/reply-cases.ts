/** How servers answer the request itself. */

import {
  actual,
  allowsNull,
  answer,
  any,
  articleCall,
  articleCallWithCredentials,
  credentials,
  type End,
  getWithCredentials,
  headers,
  open,
  origin,
  preflight,
  reads,
  redirect,
  reply,
  type ServerCase,
  simple,
} from "./case-builder.ts";

export const allowOrigin: readonly ServerCase[] = [
  simple("no Allow-Origin", "allow_origin_missing", []),
  simple("an empty Allow-Origin", "invalid_origin", ["Allow-Origin:"]),
  simple("the wildcard", "allowed", [any]),
  simple("the page's origin", "allowed", [origin]),
  simple("the header name in another case", "allowed", ["aCCESS-cONTROL-aLLOW-oRIGIN: {page}"]),
  simple("blanks and tabs around the origin", "allowed", ["Allow-Origin: \t {page} \t"]),
  simple("another origin", "origin_not_allowed", ["Allow-Origin: https://app.example.com"]),
  simple("another port", "origin_not_allowed", ["Allow-Origin: http://localhost:1"]),
  simple("no port", "origin_not_allowed", ["Allow-Origin: http://localhost"]),
  simple("another scheme", "origin_not_allowed", ["Allow-Origin: https://localhost:{page_port}"]),
  simple("127.0.0.1 for localhost", "origin_not_allowed", ["Allow-Origin: http://127.0.0.1:{page_port}"]),
  simple("a trailing slash", "origin_not_allowed", ["Allow-Origin: {page}/"]),
  simple("the scheme in upper case", "origin_not_allowed", ["Allow-Origin: HTTP://localhost:{page_port}"]),
  simple("the host in upper case", "origin_not_allowed", ["Allow-Origin: http://LOCALHOST:{page_port}"]),
  simple("the origin in two lines", "allow_origin_repeated", [origin, origin]),
  simple("the wildcard in two lines", "allow_origin_repeated", [any, any]),
  simple("the wildcard and the origin", "allow_origin_repeated", [any, origin]),
  simple("two origins with a comma", "allow_origin_list", ["Allow-Origin: {page}, https://app.example.com"]),
  simple("two origins with a blank", "allow_origin_list", ["Allow-Origin: {page} https://app.example.com"]),
  simple("null for a page that has an origin", "origin_not_allowed", [allowsNull]),
  simple("a word that is no origin", "invalid_origin", ["Allow-Origin: true"]),
  simple("a host without a scheme", "origin_not_allowed", ["Allow-Origin: localhost:{page_port}"]),
  simple("a pattern of ports, which only servers understand", "invalid_origin", ["Allow-Origin: http://localhost:*"]),
  simple("a pattern of subdomains", "origin_not_allowed", ["Allow-Origin: http://*.localhost"]),
  simple("the wildcard in quotes", "invalid_origin", ['Allow-Origin: "*"']),
  simple("null for a sandboxed frame", "allowed", [allowsNull], { from: "sandbox" }),
  simple("the wildcard for a sandboxed frame", "allowed", [any], { from: "sandbox" }),
  simple("the origin around a sandboxed frame", "origin_not_allowed", [origin], { from: "sandbox" }),
  {
    name: "a preflight for a sandboxed frame",
    ends: "allowed",
    behaviour: { preflight: answer(204, allowsNull, headers), reply: answer(200, allowsNull) },
    asks: { ...articleCall, from: "sandbox" },
  },
];

export const allowCredentials: readonly ServerCase[] = [
  simple("credentials with *", "wildcard_origin_with_credentials", [any, credentials], getWithCredentials),
  preflight(
    "credentials with * in the preflight",
    "wildcard_origin_with_credentials",
    answer(204, any, credentials, headers),
    articleCallWithCredentials,
  ),
  simple("credentials, not allowed", "credentials_not_allowed", [origin], getWithCredentials),
  simple("True", "credentials_not_allowed", [origin, "Allow-Credentials: True"], getWithCredentials),
  simple("1 for true", "credentials_not_allowed", [origin, "Allow-Credentials: 1"], getWithCredentials),
  simple("true in two lines", "credentials_not_allowed", [origin, credentials, credentials], getWithCredentials),
  simple("credentials as they should be", "allowed", [origin, credentials], getWithCredentials),
  simple("the wildcard and Allow-Credentials, for a page without credentials", "allowed", [any, credentials]),
  preflight(
    "credentials allowed in the preflight and not in the reply",
    "credentials_not_allowed",
    answer(204, origin, headers, credentials),
    articleCallWithCredentials,
  ),
  actual(
    "credentials allowed in the reply and not in the preflight",
    "credentials_not_allowed",
    answer(200, origin, credentials),
    articleCallWithCredentials,
  ),
];

export const actualReply: readonly ServerCase[] = [
  actual("a 404 that the page may read", "allowed", answer(404, origin)),
  actual("a 500 with Allow-Origin", "allowed", answer(500, origin)),
  actual("a 500 without Allow-Origin, as many frameworks send it", "allow_origin_missing", answer(500)),
  actual("a 401 without Allow-Origin", "allow_origin_missing", answer(401, "WWW-Authenticate: Bearer")),
  actual("the header twice, after a preflight that is right", "allow_origin_repeated", answer(200, origin, origin)),
  actual("no reply after a preflight that is right", "empty_response", { bytes: "" }),
  actual("a redirect status without Location, which is a reply", "allowed", answer(302, origin)),
];

export const redirects: readonly ServerCase[] = [
  redirect("a redirect within the API", "allowed", [302, "{path}/next"], { reply }),
  redirect("a redirect without Allow-Origin", "allow_origin_missing", [302, "{path}/next", []], { reply }),
  redirect("a redirect to a reply without Allow-Origin", "allow_origin_missing", [302, "{path}/next"], {}),
  redirect("a redirect to a third origin that allows any", "allowed", [302, "{third}{path}/next"], {
    reply: answer(200, any),
  }),
  redirect(
    "a redirect to a third origin that names the page, which is null by then",
    "origin_not_allowed",
    [302, "{third}{path}/next"],
    { reply },
  ),
  redirect("a redirect to a third origin that allows null", "allowed", [302, "{third}{path}/next"], {
    reply: answer(200, allowsNull),
  }),
  redirect("a redirect back to the page's own origin", "allow_origin_missing", [302, "{page}{path}/next"], {}),
  redirect(
    "a redirect from the page's own origin to the API",
    "allowed",
    [302, "{api}{path}/next", []],
    { reply },
    { of: "page" },
  ),
  redirect(
    "a redirect from the page's own origin to an API without Allow-Origin",
    "allow_origin_missing",
    [302, "{api}{path}/next", []],
    {},
    { of: "page" },
  ),
  redirect("a 307, preflighted again", "allowed", [307, "{path}/next"], { preflight: open, reply }, articleCall),
  redirect(
    "a 307 whose second preflight fails",
    "allow_origin_missing",
    [307, "{path}/next"],
    { preflight: answer(404), reply },
    articleCall,
  ),
  redirect(
    "a 308 to a third origin that does not take JSON",
    "header_not_allowed",
    [308, "{third}{path}/next"],
    { preflight: answer(204, any), reply: answer(200, any) },
    articleCall,
  ),
  redirect(
    "a 307 to a third origin, which gets no authorization",
    "allowed",
    [307, "{third}{path}/next"],
    { preflight: answer(204, any, "Allow-Headers: content-type"), reply: answer(200, any) },
    articleCall,
  ),
  redirect(
    "a 302 that makes GET of POST and keeps authorization",
    "allowed",
    [302, "{path}/next"],
    { preflight: answer(204, origin, "Allow-Headers: authorization"), reply },
    articleCall,
  ),
  redirect(
    "a 303 to a third origin, which needs no preflight by then",
    "allowed",
    [303, "{third}{path}/next"],
    { preflight: answer(404), reply: answer(200, any) },
    articleCall,
  ),
  redirect(
    "a redirect to a URL with a user name",
    "redirect_credentials",
    [302, "http://user:secret@localhost:{api_port}{path}/next"],
    { reply },
  ),
  redirect(
    "a redirect to a URL with a user name on the page's origin",
    "redirect_credentials",
    [302, "http://user:secret@localhost:{page_port}{path}/next", []],
    { reply },
    { of: "page" },
  ),
  redirect("a redirect to a blocked port", "blocked_port", [302, "http://localhost:6000/"], {}),
  redirect("a redirect to port 0", "blocked_port", [302, "http://localhost:0/"], {}),
  redirect(
    "a redirect to a blocked port without Allow-Origin",
    "allow_origin_missing",
    [302, "http://localhost:6000/", []],
    {},
  ),
  redirect("a redirect to a host without an address", "host_not_found", [302, "http://name.invalid/"], {}),
  ...[
    "ftp://localhost/",
    "javascript:1",
    "mailto:a@b.test",
    "chrome-extension://a/",
    "custom:a",
    "data:,a",
    "file:///etc/hosts",
  ]
    .concat(["blob:http://localhost/a", "about:blank", "filesystem:http://localhost/temporary/a", "chrome://version"])
    .concat(["ws://localhost/", "wss://localhost/", "view-source:http://localhost/"])
    .map((location) => redirect(`a redirect to ${location}`, "redirect_scheme", [302, location], {})),
  redirect("a redirect to ws: that needs a preflight", "redirect_scheme", [307, "ws://localhost/"], {}, articleCall),
  redirect("a redirect to data: without Allow-Origin", "allow_origin_missing", [302, "data:,a", []], {}),
  redirect("a redirect to no URL without Allow-Origin", "redirect_location", [302, "http://[", []], {}),
  redirect("a redirect in two lines that agree", "allowed", [302, "{path}/next", [origin, "Location: {path}/next"]], {
    reply,
  }),
  redirect("a redirect in two lines that differ", "invalid_response", [302, "/a", [origin, "Location: /b"]], {}),
  redirect("a redirect to nowhere, which is a reply", "allowed", [302, ""], {}),
  redirect("a redirect to something that is no URL", "redirect_location", [302, "http://["], {}),
  redirect("a redirect to itself", "redirect_count", [302, "{path}"], {}),
];

const head = (bytes: string) => `HTTP/1.1 200 OK\r\nConnection: close\r\n${bytes}`;
const allowing = "Access-Control-Allow-Origin: *\r\n";
const bytes = (name: string, ends: End, bytes: string): ServerCase => {
  return { name, ends, behaviour: { reply: { bytes } }, asks: {} };
};

export const heads: readonly ServerCase[] = [
  bytes("a blank before the colon", "allowed", head("Access-Control-Allow-Origin : *\r\n\r\n")),
  bytes("a line without a colon", "allowed", head(`nothing\r\n${allowing}\r\n`)),
  bytes("a header name that is none", "allowed", head(`X A: 1\r\n${allowing}\r\n`)),
  bytes("a value on the next line", "allowed", head("Access-Control-Allow-Origin:\r\n *\r\n\r\n")),
  bytes("http in lower case", "allowed", head(`${allowing}\r\n`).replace("HTTP", "http")),
  bytes("blank lines before the status line", "allowed", `\r\n\r\n${head(`${allowing}\r\n`)}`),
  bytes("line feeds alone", "allowed", head(`${allowing}\r\n`).replaceAll("\r", "")),
  bytes("no status", "allowed", head(`${allowing}\r\n`).replace(" 200 OK", "")),
  bytes("a head that is cut before its blank line", "allowed", head(allowing)),
  bytes("a head that is cut in a header", "allow_origin_missing", head("Access-Control-Allow-Ori")),
  bytes("Content-Length twice, alike", "allowed", head(`${allowing}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`)),
  bytes("Content-Length twice", "invalid_response", head(`${allowing}Content-Length: 0\r\nContent-Length: 1\r\n\r\n`)),
  bytes(
    "a comma in Content-Disposition",
    "invalid_response",
    head(`${allowing}Content-Disposition: a; filename=b,c\r\n\r\n`),
  ),
  bytes("NUL before the status line", "not_http", `\0${head(`${allowing}\r\n`)}`),
  bytes("NUL in a header", "not_http", head(`${allowing}X-A: a\0b\r\n\r\n`)),
  bytes("a 407 without a proxy", "invalid_response", head(`${allowing}\r\n`).replace("200 OK", "407 Proxy")),
  bytes("early hints before the response", "allowed", `HTTP/1.1 103 Early Hints\r\n\r\n${head(`${allowing}\r\n`)}`),
  bytes("a switch of protocols that nobody asked for", "empty_response", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
  bytes("a body that is cut off", "allowed", head(`${allowing}Content-Length: 9\r\n\r\na`)),
  bytes("a body that is not gzip", "allowed", head(`${allowing}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na`)),
];

export const readableHeaders: readonly ServerCase[] = [
  reads(
    "only the safelisted headers are read",
    [origin, "X-A: 1", "Cache-Control: no-store", "Content-Type: text/plain", "ETag: 1"],
    ["cache-control", "content-length", "content-type"],
  ),
  reads(
    "an exposed header is read",
    [origin, "X-A: 1", "X-B: 1", "Expose-Headers: x-a, X-Absent"],
    ["content-length", "x-a"],
  ),
  reads(
    "the wildcard exposes all but Set-Cookie",
    [origin, "X-A: 1", "Set-Cookie: a=1", "Expose-Headers: *"],
    ["access-control-allow-origin", "access-control-expose-headers", "connection", "content-length", "x-a"],
  ),
  reads(
    "the wildcard with credentials exposes nothing",
    [origin, credentials, "X-A: 1", "Expose-Headers: *"],
    ["content-length"],
    getWithCredentials,
  ),
  reads(
    "an element that is no header name spoils Expose-Headers",
    [origin, "X-A: 1", "Expose-Headers: x-a, x b"],
    ["content-length"],
  ),
  reads("Set-Cookie cannot be exposed", [origin, "Set-Cookie: a=1", "Expose-Headers: set-cookie"], ["content-length"]),
  reads("one's own origin needs no header", ["X-Own: 1"], ["connection", "content-length", "x-own"], { of: "page" }),
];
