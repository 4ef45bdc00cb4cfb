import { expect, test } from "vitest";
import { type CallFields, guessFields, isUnclear, judgePasted } from "../../../packages/cors/src/page/pasted-call.ts";
import { readHeads } from "../../../packages/cors/src/page/pasted-heads.ts";

const origin = "http://localhost:5173";
const asked = `OPTIONS /orders HTTP/1.1
Host: api.example.com
Origin: ${origin}
Access-Control-Request-Method: PUT
Access-Control-Request-Headers: authorization,content-type

`;
const allowing = `HTTP/1.1 204 No Content
Access-Control-Allow-Origin: ${origin}
Access-Control-Allow-Methods: PUT
Access-Control-Allow-Headers: authorization, content-type

`;
const called = `PUT /orders HTTP/1.1
Host: api.example.com
Origin: ${origin}
Authorization: Bearer x
Content-Type: application/json
User-Agent: x
Cookie: a=b

`;

test.each<[what: string, text: string, fields: Partial<CallFields>]>([
  [
    "a preflight",
    asked,
    {
      origin,
      url: "https://api.example.com/orders",
      method: "PUT",
      headers: "authorization, content-type",
      credentials: false,
    },
  ],
  ["a preflight for no headers", asked.replace(/Access-Control-Request-Headers.*\n/, ""), { headers: "" }],
  ["a call", called, { origin, method: "PUT", headers: "authorization, content-type", credentials: true }],
  [
    "the page of a Referer",
    called.replace(/Origin.*/, "Referer: https://page.example/a"),
    { origin: "https://page.example" },
  ],
  ["a response alone", "HTTP/1.1 200 OK", { origin: "", url: "", method: "POST", answers: "call" }],
  ["a response to a preflight", allowing, { answers: "preflight" }],
])("the fields are filled in from %s", (_what, text, fields) => {
  expect(guessFields(readHeads(text))).toMatchObject(fields);
});

function verdictOn(text: string, change: Partial<CallFields> = {}) {
  const exchanges = readHeads(text);
  return judgePasted(exchanges, { ...guessFields(exchanges), ...change });
}

test.each<[what: string, text: string, change: Partial<CallFields>, code: string | undefined]>([
  ["a preflight that is refused", `${asked}HTTP/1.1 404 Not Found`, {}, "allow_origin_missing"],
  ["a preflight that lacks a header", asked + allowing.replace("authorization, ", ""), {}, "header_not_allowed"],
  ["a preflight that passes", asked + allowing, {}, undefined],
  [
    "both, the call refused",
    `${asked}${allowing}${called}HTTP/1.1 500 Oops`,
    { credentials: false },
    "allow_origin_missing",
  ],
  [
    "both, allowed",
    `${asked}${allowing}${called}HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: ${origin}`,
    { credentials: false },
    undefined,
  ],
  ["cookies that are not allowed", `${asked}${allowing}`, { credentials: true }, "credentials_not_allowed"],
  [
    "a response alone, to a simple call",
    "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://other.example",
    { origin, url: "https://api.example.com/", method: "GET", headers: "" },
    "origin_not_allowed",
  ],
  [
    "two responses alone",
    `${allowing}HTTP/1.1 200 OK\n`,
    { origin, url: "https://api.example.com/", method: "PUT" },
    "allow_origin_missing",
  ],
])("judges %s", (_what, text, change, code) => {
  expect(verdictOn(text, change).diagnosis?.failure?.code).toBe(code);
});

test("a page on the internet needs the user's permission for a local address", () => {
  const fields = { origin: "https://app.example.com", url: "http://localhost:9707/", method: "GET", headers: "" };
  const { diagnosis } = verdictOn("HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *", fields);
  expect(diagnosis?.permissions).toEqual([{ name: "loopback-network", state: "prompt" }]);
});

test("says what to paste, with the command that shows it", () => {
  expect(verdictOn(called, { credentials: false })).toEqual({
    diagnosis: null,
    missing: {
      what: expect.stringContaining("A preflight comes first: authorization is not a safelisted header."),
      command: `curl -i -X OPTIONS https://api.example.com/orders \\
  -H 'Origin: ${origin}' \\
  -H 'access-control-request-method: PUT' \\
  -H 'access-control-request-headers: authorization,content-type'`,
    },
  });
  const { diagnosis, missing } = verdictOn(asked + allowing);
  expect(diagnosis?.allowed).toBe(true);
  expect(missing?.command).toContain("curl -i -X PUT https://api.example.com/orders");
});

test("quotes text from the form for a shell", () => {
  const { missing } = verdictOn("HTTP/1.1 200 OK", {
    origin,
    url: "https://api.example.com/?a='$(id)'",
    answers: "call",
  });
  expect(missing?.command).toContain("https://api.example.com/?a=%27$(id)%27'");
});

test.each<[Partial<CallFields>, message: string]>([
  [{ url: "" }, "Enter the URL"],
  [{ origin: "" }, "Enter the origin"],
  [{ url: "api.example.com" }, "is not an http or https URL"],
  [{ origin: "localhost:5173" }, "for example http://localhost:5173"],
  [{ origin: "https://*.example.com" }, "for example http://localhost:5173"],
  [{ origin: "https://App.example.com/x" }, "as browsers send it: https://app.example.com"],
  [{ method: "TRACE" }, "no page can send TRACE"],
  [{ headers: "cookie" }, "no page can set cookie"],
])("refuses %j", (change, message) => {
  expect(() => verdictOn(asked, change)).toThrow(message);
});

test("only a response without a request can answer either", () => {
  expect([isUnclear(readHeads("HTTP/1.1 200 OK")), isUnclear(readHeads(asked))]).toEqual([true, false]);
});
