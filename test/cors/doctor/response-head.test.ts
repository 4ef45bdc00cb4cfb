import { describe, expect, test } from "vitest";
import { type ReceivedBytes, readResponseHead } from "../../../packages/cors/src/doctor/response-head.ts";

const open: Omit<ReceivedBytes, "text"> = { method: "GET", ended: false, secure: false, defaultPort: false };

const read = (text: string, change: Partial<ReceivedBytes> = {}) => readResponseHead({ ...open, text, ...change });

test("the reading is incomplete before the blank line, and the same for all ways in which the bytes arrive", () => {
  const text = "HTTP/1.1 103 Early\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-A:  1\t\r\n\r\nbody";
  const end = text.indexOf("body");
  for (let length = 0; length < end; length++) expect(read(text.slice(0, length)).kind).toBe("incomplete");
  for (let length = end; length <= text.length; length++) {
    expect(read(text.slice(0, length))).toEqual({
      kind: "response",
      response: { status: 200, headers: [["X-A", "1"]] },
    });
  }
});

describe("a response without a status line", () => {
  const answer = { kind: "response", response: { status: 200, headers: [] } };
  test.each<[what: string, text: string, change: Partial<ReceivedBytes>, expected: object]>([
    ["is HTTP/0.9 on the scheme's own port", "<h1>Hi</h1>", { defaultPort: true }, answer],
    ["is no HTTP on another port", "<h1>Hi</h1>", {}, { error: "INVALID_HTTP_RESPONSE" }],
    ["may be a radio station", "ICY 200 OK\r\n", {}, answer],
    ["is no radio station over TLS", "ICY 200 OK\r\n", { secure: true }, { error: "INVALID_HTTP_RESPONSE" }],
    ["cannot answer PUT", "<h1>Hi</h1>", { defaultPort: true, method: "PUT" }, { error: "METHOD_NOT_SUPPORTED" }],
    ["may still begin", "hello", {}, { kind: "incomplete" }],
    ["is no HTTP when it ends early", "hello", { ended: true }, { error: "INVALID_HTTP_RESPONSE" }],
    [
      "is cut off when it ends early over TLS",
      "hello",
      { ended: true, secure: true },
      { error: "RESPONSE_HEADERS_TRUNCATED" },
    ],
    ["is empty when nothing came", "", { ended: true }, { error: "EMPTY_RESPONSE" }],
    [
      "is no HTTP after a head",
      "HTTP/1.1 100 Continue\r\n\r\nabcdefgh",
      { defaultPort: true },
      { error: "INVALID_HTTP_RESPONSE" },
    ],
    ["stands too far behind", `12345HTTP/1.1 200 OK\r\n\r\n`, {}, { error: "INVALID_HTTP_RESPONSE" }],
  ])("%s", (_, text, change, expected) => {
    expect(read(text, change)).toMatchObject(expected);
  });
});

test("a head that is cut off is read only without TLS", () => {
  const text = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B";
  expect(read(text, { ended: true })).toEqual({ kind: "response", response: { status: 200, headers: [["X-A", "1"]] } });
  expect(read(text, { ended: true, secure: true })).toEqual({ kind: "error", error: "RESPONSE_HEADERS_TRUNCATED" });
});

test("a head has a maximal length", () => {
  const head = (length: number) => `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(length)}`;
  expect(read(head(262_000)).kind).toBe("incomplete");
  expect(read(head(262_144))).toEqual({ kind: "error", error: "RESPONSE_HEADERS_TOO_BIG" });
});

test.each<[head: string, headers: [string, string][]]>([
  [
    "A : 1\r\nb:2",
    [
      ["A", "1"],
      ["b", "2"],
    ],
  ],
  ["none\r\n: 1\r\nx y: 1\r\nA: 1", [["A", "1"]]],
  ["A: 1\r\n \t2\r\n\t3", [["A", "1 2 3"]]],
  [" A: 1\r\nB: 2", [["B", "2"]]],
  ["none\r\n 1\r\nA: 1", [["A", "1"]]],
  [
    "A: 1\rB: 2",
    [
      ["A", "1"],
      ["B", "2"],
    ],
  ],
  ["A: \v1\v", [["A", "\v1\v"]]],
  ["A:", [["A", ""]]],
])("%j has the headers %j", (head, headers) => {
  expect(read(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`)).toEqual({ kind: "response", response: { status: 200, headers } });
});

test.each([
  ["HTTP/1.1 404 Not Found", 404],
  ["http/1.0   204", 204],
  ["HTTPS 201 Created", 201],
  ["HTTP/1.1", 200],
  ["HTTP/1.1 OK", 200],
  ["HTTP/1.1 0 None", 0],
  ["HTTP/1.1 70000", 70_000],
  ["HTTP/1.1 99999999999", 2_147_483_647],
])("%s has the status %d", (line, status) => {
  expect(read(`${line}\r\n\r\n`)).toMatchObject({ response: { status } });
});

test.each([
  ["Content-Length: 1\r\nContent-Length: 1", null],
  ["Content-Length: 1, 1", null],
  ["Content-Length: 1\r\nContent-Length: 2", "RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH"],
  ["Content-Length: 1, 2", "RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH"],
  ["Transfer-Encoding: Chunked\r\nContent-Length: 1, 2", null],
  ["Location: /a, b\r\nLocation: /a, b", null],
  ["Location: /a\r\nLocation: /b", "RESPONSE_HEADERS_MULTIPLE_LOCATION"],
  ["Location: /a\r\nLocation:", "RESPONSE_HEADERS_MULTIPLE_LOCATION"],
  ['Content-Disposition: a; filename="b,\\"c"', null],
  ["Content-Disposition: a; filename=b,c", "RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION"],
  ["X-A: a\0b", "INVALID_HTTP_RESPONSE"],
])("%j: %s", (lines, error) => {
  const reading = read(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`);
  expect(reading.kind === "error" ? reading.error : null).toBe(error);
});
