/** How servers answer OPTIONS. */

import {
  type Asks,
  answer,
  any,
  articleCall,
  credentials,
  headers,
  open,
  origin,
  preflight,
  put,
  type ServerCase,
  sends,
} from "./case-builder.ts";

const custom: Asks = { headers: { "x-custom": "1" } };

const post = (contentType: string): Asks => ({ method: "POST", headers: { "content-type": contentType }, body: "x" });

export const preflightStatus: readonly ServerCase[] = [
  preflight("the article's server before its middleware: OPTIONS is 404", "allow_origin_missing", answer(404)),
  preflight("OPTIONS is 405, as Twirp and many routers have it", "allow_origin_missing", answer(405, "Allow: POST")),
  preflight("OPTIONS is 404 with every CORS header", "preflight_status", answer(404, origin, headers)),
  preflight("OPTIONS is 405 with every CORS header", "preflight_status", answer(405, origin, headers)),
  {
    name: "the article's middleware",
    ends: "allowed",
    behaviour: {
      preflight: answer(
        200,
        any,
        "Allow-Methods: POST, GET, OPTIONS, PUT, DELETE",
        "Allow-Headers: Content-Type, Authorization, X-Requested-With, Accept, Accept-Encoding",
        "Max-Age: 86400",
      ),
      reply: answer(200, any),
    },
    asks: articleCall,
  },
  preflight("OPTIONS is 204 with the page's origin", "allowed", open),
  preflight("OPTIONS is 299", "allowed", answer(299, origin, headers)),
  preflight("OPTIONS is 304 with every CORS header", "preflight_status", answer(304, origin, headers)),
  preflight("OPTIONS asks for a login", "preflight_status", answer(401, origin, headers, "WWW-Authenticate: Bearer")),
  preflight("OPTIONS is forbidden, without CORS headers", "allow_origin_missing", answer(403)),
  preflight("OPTIONS is 500 with every CORS header", "preflight_status", answer(500, origin, headers)),
  preflight("OPTIONS is 502 from a proxy", "allow_origin_missing", answer(502)),
  preflight("OPTIONS is redirected", "preflight_redirect", answer(302, origin, headers, "Location: {path}/next")),
  preflight("OPTIONS is redirected, without Allow-Origin", "preflight_redirect", answer(308, "Location: {path}/next")),
  preflight("OPTIONS has a redirect status and no Location", "preflight_status", answer(302, origin, headers)),
  preflight("OPTIONS has a status that is 200 in its low 16 bits", "preflight_status", answer(65736, origin, headers)),
  preflight("OPTIONS gets no answer but the end of the connection", "empty_response", { bytes: "" }),
  preflight("OPTIONS gets an answer that is not HTTP", "not_http", { bytes: "220 mail.example.com ESMTP\r\n" }),
];

export const allowMethods: readonly ServerCase[] = [
  preflight("PUT, not listed", "method_not_allowed", answer(204, origin, "Allow-Methods: GET, POST"), put),
  preflight("PUT without Allow-Methods", "method_not_allowed", answer(204, origin), put),
  preflight("PUT with an empty list", "method_not_allowed", answer(204, origin, "Allow-Methods:"), put),
  preflight("PUT, listed", "allowed", answer(204, origin, "Allow-Methods: GET, PUT"), put),
  preflight("PUT in a second line", "allowed", answer(204, origin, "Allow-Methods: GET", "Allow-Methods: PUT"), put),
  preflight("PUT as put", "method_not_allowed", answer(204, origin, "Allow-Methods: get, put"), put),
  preflight("put, which becomes PUT", "allowed", answer(204, origin, "Allow-Methods: PUT"), { method: "put" }),
  preflight("patch, which stays patch", "method_not_allowed", answer(204, origin, "Allow-Methods: PATCH"), {
    method: "patch",
  }),
  preflight("PUT by the wildcard", "allowed", answer(204, origin, "Allow-Methods: *"), put),
  preflight(
    "PUT by the wildcard with credentials",
    "method_not_allowed",
    answer(204, origin, credentials, "Allow-Methods: *"),
    { ...put, credentials: true },
  ),
  preflight("PUT beside empty elements", "allowed", answer(204, origin, "Allow-Methods: ,GET,, PUT ,"), put),
  preflight("methods parted by blanks", "invalid_method", answer(204, origin, "Allow-Methods: GET PUT"), put),
  preflight("methods parted by semicolons", "invalid_method", answer(204, origin, "Allow-Methods: GET;PUT"), put),
  preflight("methods in brackets", "invalid_method", answer(204, origin, 'Allow-Methods: ["GET","PUT"]'), put),
  preflight("DELETE, not listed", "method_not_allowed", answer(204, origin, "Allow-Methods: POST"), {
    method: "DELETE",
  }),
  preflight("OPTIONS by the page, not listed", "method_not_allowed", answer(204, origin), { method: "OPTIONS" }),
  preflight("POST, which needs no listing", "allowed", answer(204, origin, headers, "Allow-Methods: PUT")),
];

export const lists: readonly ServerCase[] = [
  preflight(
    "a header list that is malformed counts before a method that is not listed",
    "invalid_header",
    answer(204, origin, "Allow-Methods: put", "Allow-Headers: x a"),
    { method: "DELETE" },
  ),
  preflight(
    "a method list that is malformed counts before a header list that is",
    "invalid_method",
    answer(204, origin, "Allow-Methods: a b", "Allow-Headers: x a"),
    { method: "DELETE" },
  ),
  preflight(
    "a method that is not listed counts before a header that is not",
    "method_not_allowed",
    answer(204, origin, "Allow-Methods: PUT", "Allow-Headers: x-a"),
    { method: "DELETE", headers: { "x-b": "1" } },
  ),
];

export const allowHeaders: readonly ServerCase[] = [
  preflight("no Allow-Headers", "header_not_allowed", answer(204, origin)),
  preflight("an empty Allow-Headers", "header_not_allowed", answer(204, origin, "Allow-Headers:")),
  preflight("no content-type", "header_not_allowed", answer(204, origin, "Allow-Headers: authorization")),
  preflight("no authorization", "header_not_allowed", answer(204, origin, "Allow-Headers: Content-Type, Accept")),
  preflight("headers in another case", "allowed", answer(204, origin, "Allow-Headers: AUTHORIZATION, Content-TYPE")),
  preflight(
    "headers in two lines",
    "allowed",
    answer(204, origin, "Allow-Headers: authorization", "Allow-Headers: content-type"),
  ),
  preflight(
    "headers with tabs and empty elements",
    "allowed",
    answer(204, origin, "Allow-Headers: ,\tauthorization\t,, content-type,"),
  ),
  preflight(
    "headers parted by a blank",
    "invalid_header",
    answer(204, origin, "Allow-Headers: authorization content-type"),
  ),
  preflight(
    "headers in quotes",
    "invalid_header",
    answer(204, origin, 'Allow-Headers: "authorization", "content-type"'),
  ),
  preflight("one element that is no name", "invalid_header", answer(204, origin, `${headers}, x y`)),
  preflight("a custom header by the wildcard", "allowed", answer(204, origin, "Allow-Headers: *"), custom),
  preflight(
    "a custom header by the wildcard with credentials",
    "header_not_allowed",
    answer(204, origin, credentials, "Allow-Headers: *"),
    { ...custom, credentials: true },
  ),
  preflight("authorization by the wildcard, for now", "allowed", answer(204, origin, "Allow-Headers: *")),
  preflight("authorization beside the wildcard", "allowed", answer(204, origin, "Allow-Headers: *, Authorization")),
];

export const needsPreflight: readonly ServerCase[] = [
  sends("text/plain needs no preflight", "allowed", post("text/plain;charset=UTF-8")),
  sends("a form needs no preflight", "allowed", post("Application/X-WWW-Form-Urlencoded")),
  sends("a body without a type needs no preflight", "allowed", { method: "POST", body: "x" }),
  sends("JSON needs a preflight", "allow_origin_missing", post("application/json")),
  sends("a quoted charset needs a preflight", "allow_origin_missing", post('text/plain; charset="utf-8"')),
  sends("a content type in brackets needs a preflight", "allow_origin_missing", post("text/plain; a=(b)")),
  sends("an ordinary accept needs no preflight", "allowed", { headers: { accept: "application/json" } }),
  sends("a long accept needs a preflight", "allow_origin_missing", { headers: { accept: "a".repeat(129) } }),
  sends("a strange language needs a preflight", "allow_origin_missing", { headers: { "accept-language": "en/de" } }),
  sends("a simple range needs no preflight", "allowed", { headers: { range: "bytes=0-9" } }),
  sends("an open range needs no preflight", "allowed", { headers: { range: "bytes=9-" } }),
  sends("a range that ends before it starts needs a preflight", "allow_origin_missing", {
    headers: { range: "bytes=9-0" },
  }),
  ...["bytes=-9", "bytes=", "bytes= 0-9", "bytes=0-9,20-29", "items=0-9", "0-9", "bytes=0-9223372036854775808"].map(
    (range) => sends(`the range ${range} needs a preflight`, "allow_origin_missing", { headers: { range } }),
  ),
  ...["Bytes=0-9", "bytes=+0-9", "bytes=0--1", "bytes=00-9", "bytes=0-9223372036854775807"].map((range) =>
    sends(`the range ${range} needs no preflight in Chromium`, "allowed", { headers: { range } }),
  ),
  ...Object.entries({ "save-data": "on", dpr: "1.5", width: "9", "viewport-width": "9", "device-memory": "8" })
    .concat(Object.entries({ rtt: "99", downlink: "1.5", ect: "4g", "user-agent": "page" }))
    .map(([name, value]) => sends(`${name} needs no preflight in Chromium`, "allowed", { headers: { [name]: value } })),
  sends("a client hint with a value of another form needs a preflight", "allow_origin_missing", {
    headers: { "save-data": "off" },
  }),
  sends("a user-agent of any length needs no preflight in Chromium", "allowed", {
    headers: { "user-agent": "a".repeat(2000) },
  }),
  sends("HEAD needs no preflight", "allowed", { method: "HEAD" }),
];

export const maxAge: readonly ServerCase[] = [
  preflight("a Max-Age that is no number", "allowed", answer(204, origin, headers, "Max-Age: soon")),
  preflight("a negative Max-Age", "allowed", answer(204, origin, headers, "Max-Age: -1")),
  preflight("an endless Max-Age", "allowed", answer(204, origin, headers, "Max-Age: 99999999999999999999")),
];
