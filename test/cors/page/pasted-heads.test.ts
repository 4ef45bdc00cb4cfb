import fc from "fast-check";
import { expect, test } from "vitest";
import { type PastedExchange, readHeads } from "../../../packages/cors/src/page/pasted-heads.ts";

const url = "https://api.example.com/orders?x=1";

const cases: [what: string, text: string, exchanges: PastedExchange[]][] = [
  [
    "the output of curl -i, whose body looks like headers",
    "HTTP/2 204 \r\nvary: Origin\r\naccess-control-allow-origin: *\r\n\r\nnot-a-header: but a body\r\n",
    [
      {
        method: null,
        url: null,
        requestHeaders: [],
        response: {
          status: 204,
          headers: [
            ["vary", "Origin"],
            ["access-control-allow-origin", "*"],
          ],
        },
      },
    ],
  ],
  [
    "curl -v, which marks the heads and prints other lines",
    `* Connected to api.example.com (192.0.2.1) port 443
> OPTIONS /orders?x=1 HTTP/2
> Host: api.example.com
> Origin: http://localhost:5173
>
< HTTP/2 404
< content-type: text/html
<
<html>`,
    [
      {
        method: "OPTIONS",
        url,
        requestHeaders: [
          ["host", "api.example.com"],
          ["origin", "http://localhost:5173"],
        ],
        response: { status: 404, headers: [["content-type", "text/html"]] },
      },
    ],
  ],
  [
    "raw HTTP with an informational response",
    "GET / HTTP/1.1\nHost: localhost:9707\n\nHTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\nVary:Origin\n",
    [
      {
        method: "GET",
        url: "http://localhost:9707/",
        requestHeaders: [["host", "localhost:9707"]],
        response: { status: 200, headers: [["vary", "Origin"]] },
      },
    ],
  ],
  [
    "Chrome's Network panel, with each value on its own line",
    `General
Request URL:
${url}
Request Method:
OPTIONS
Status Code:
403 Forbidden
Remote Address:
192.0.2.1:443
Response Headers
access-control-allow-origin:
https://other.example
vary:
Origin
Request Headers
:authority:
api.example.com
origin:
http://localhost:5173
access-control-request-method:
PUT`,
    [
      {
        method: "OPTIONS",
        url,
        requestHeaders: [
          [":authority", "api.example.com"],
          ["origin", "http://localhost:5173"],
          ["access-control-request-method", "PUT"],
        ],
        response: {
          status: 403,
          headers: [
            ["access-control-allow-origin", "https://other.example"],
            ["vary", "Origin"],
          ],
        },
      },
    ],
  ],
  [
    "header lines alone, of a request and of a response",
    ":authority: api.example.com\n:method: PUT\n:path: /orders?x=1\n:scheme: https\n\nserver: nginx\nallow: GET",
    [
      {
        method: "PUT",
        url,
        requestHeaders: [
          [":authority", "api.example.com"],
          [":method", "PUT"],
          [":path", "/orders?x=1"],
          [":scheme", "https"],
        ],
        response: {
          status: 200,
          headers: [
            ["server", "nginx"],
            ["allow", "GET"],
          ],
        },
      },
    ],
  ],
  [
    "two responses in a row",
    "HTTP/1.1 204 No Content\nVary: a\n\nHTTP/1.1 500 Oops\nVary: b",
    [204, 500].map((status) => ({
      method: null,
      url: null,
      requestHeaders: [],
      response: { status, headers: [["vary", status === 204 ? "a" : "b"]] },
    })),
  ],
];

test.each(cases)("reads %s", (_what, text, exchanges) => {
  expect(readHeads(text)).toEqual(exchanges);
});

test.each(["", "hello", "TypeError: Failed to fetch at https://a.example/x", "\0\n\n>"])(
  "finds no response in %j",
  (text) => {
    expect(readHeads(text).filter(({ response }) => response !== null)).toEqual([]);
  },
);

test("it never throws, and every URL is one", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "HTTP/1.1 200 OK",
      "GET / HTTP/1.1",
      "OPTIONS *",
      "Host: a b",
      "Host: a",
      ":scheme: x y",
      "General",
    ),
    fc.constantFrom(
      "Request URL:",
      "https://a.example/",
      "http://[",
      "Response Headers",
      "< HTTP/2 204",
      "> GET / HTTP/2",
      "",
    ),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      for (const { url } of readHeads(lines.join("\n"))) if (url !== null) expect(URL.canParse(url)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
