import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { compareWith, ExpectationsError, readExpectations } from "../../../packages/cors/src/doctor/expectations.ts";
import { type Diagnosis, fetchAlgorithm, type WireOutcome } from "../../../packages/cors/src/doctor/index.ts";

const url = "https://api.test/rpc";
const origin = "https://app.test";
const allowed = { origin, expect: "allowed" };
const read = (file: unknown, base: URL | null = null) => readExpectations(JSON.stringify(file), base);
const only = (members: object) => read({ url, cases: [{ ...allowed, ...members }] })[0];

test("a case has the defaults of the command line", () => {
  expect(only({})).toEqual({
    path: "cases[0]",
    name: `POST ${url} from ${origin}`,
    page: {
      ...{ url: new URL(url), origin, method: "POST", body: "{}", credentials: "same-origin" },
      headers: [
        ["authorization", "Bearer cors-doctor"],
        ["content-type", "application/json"],
      ],
    },
    ...{ preflightOnly: false, expect: "allowed", failure: null, status: null, readable: [], maxAge: null },
  });
});

test("several origins make a case each", () => {
  const cases = read({ url, cases: [{ name: "others", origin: ["https://a.test", "null"], expect: "refused" }] });
  expect(cases.map(({ name, page }) => [name, page.origin])).toEqual([
    [`others: POST ${url} from https://a.test`, "https://a.test"],
    [`others: POST ${url} from null`, "null"],
  ]);
});

test("the URL of a case can be a path, and the command line replaces that of the file", () => {
  const file = { url, cases: [allowed, { ...allowed, url: "/other" }, { ...allowed, url: "https://b.test/" }] };
  const urls = (base: URL | null) => read(file, base).map(({ page }) => page.url.href);
  expect(urls(null)).toEqual([url, "https://api.test/other", "https://b.test/"]);
  expect(urls(new URL("http://localhost/x"))).toEqual([
    "http://localhost/x",
    "http://localhost/other",
    "https://b.test/",
  ]);
});

/** Files with one mistake each. The schema refuses those with a mark; the rest needs more knowledge than a schema has. */
const mistakes: readonly (readonly [message: string, file: unknown, inSchema?: "schema"])[] = [
  ["cases is missing", { url }, "schema"],
  ["cases must be an array", { url, cases: {} }, "schema"],
  ["cases must have at least one case", { url, cases: [] }, "schema"],
  ["case is not known; did you mean cases?", { url, case: [], cases: [allowed] }, "schema"],
  ["url must be a string", { url: 1, cases: [allowed] }, "schema"],
  ['url is not possible: "api.test" is not an http or https URL', { url: "api.test", cases: [{ ...allowed, url }] }],
  ["cases[0].url is missing, and neither the file nor the command line has a url", { cases: [allowed] }],
  ["cases[0] must be an object", { url, cases: ["x"] }, "schema"],
  ["cases[0].origin is missing", { url, cases: [{ expect: "refused" }] }, "schema"],
  ["cases[0].origin must be an array", { url, cases: [{ ...allowed, origin: 1 }] }, "schema"],
  ["cases[0].origin must name at least one origin", { url, cases: [{ ...allowed, origin: [] }] }, "schema"],
  ["cases[0].origin is not possible: browsers do not send", { url, cases: [{ ...allowed, origin: `${origin}/` }] }],
  ['cases[1].expect must be "allowed" or "refused"', { url, cases: [allowed, { origin, expect: "ok" }] }, "schema"],
  ["cases[0].methd is not known; did you mean method?", { url, cases: [{ ...allowed, methd: "GET" }] }, "schema"],
  ["cases[0] is not possible: no page can send TRACE", { url, cases: [{ ...allowed, method: "TRACE" }] }],
  ["cases[0].headers must be an array of strings", { url, cases: [{ ...allowed, headers: [1] }] }, "schema"],
  ["cases[0].credentials must be true or false", { url, cases: [{ ...allowed, credentials: "yes" }] }, "schema"],
  ["cases[0].maxAge must be a whole number, 0 or more", { url, cases: [{ ...allowed, maxAge: 1.5 }] }, "schema"],
  ["cases[0].status must be a whole number, 0 or more", { url, cases: [{ ...allowed, status: -1 }] }, "schema"],
  ['cases[0].failure needs "expect": "refused"', { url, cases: [{ ...allowed, failure: "preflight_status" }] }],
  ['cases[0].readable needs "expect": "allowed"', { url, cases: [{ origin, expect: "refused", readable: [] }] }],
  ["cases[0].url is not possible", { url, cases: [{ ...allowed, url: "//b.test/rpc" }] }],
  ["cases[0].status needs the reply", { url, cases: [{ ...allowed, preflightOnly: true, status: 200 }] }],
  ["cases[0].readable needs the reply", { url, cases: [{ ...allowed, preflightOnly: true, readable: ["etag"] }] }],
  [
    "which is no code of a failure; did you mean preflight_status?",
    { url, cases: [{ origin, expect: "refused", failure: "preflight_state" }] },
  ],
];

const schema = new Ajv2020({ strict: true }).compile(
  JSON.parse(await readFile(new URL("../../../packages/cors/expectations.schema.json", import.meta.url), "utf8")),
);

test.each(mistakes)("%s", (message, file, inSchema) => {
  expect(() => read(file)).toThrow(ExpectationsError);
  expect(() => read(file)).toThrow(message);
  expect(schema(file)).toBe(inSchema === undefined);
});

test("the schema accepts a file with everything in it", () => {
  const full = {
    ...{ name: "a", url, origin, method: "PUT", headers: ["x-a"], body: "x", credentials: true, preflightOnly: false },
    ...{ status: 200, readable: ["x-b"], maxAge: 5, expect: "allowed" },
  };
  const file = {
    $schema: "./a.json",
    url,
    cases: [full, { origin: [origin], expect: "refused", failure: "tls_failed" }],
  };
  expect(read(file)).toHaveLength(2);
  expect(schema(file)).toBe(true);
});

test("a byte order mark is allowed, and other encodings are named", () => {
  const text = JSON.stringify({ url, cases: [allowed] });
  expect(readExpectations(`\ufeff${text}`, null)).toHaveLength(1);
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le").toString("utf8");
  expect(() => readExpectations(utf16, null)).toThrow("it is compressed, or not in UTF-8");
});

test("all mistakes are reported together", () => {
  expect(() => read({ cases: [{ a: 1 }, 2] })).toThrow(/^cases\[0\]\.a .*\n(?:cases.*\n)+cases\[1\] must be an object/);
  expect(() => readExpectations("{", null)).toThrow("the file is not JSON");
  expect(() => readExpectations("[]", null)).toThrow("the file must hold an object");
});

/** The diagnosis of a case whose server gives these answers. */
function diagnose(
  members: object,
  answers: readonly WireOutcome[],
): { readonly differences: string[]; readonly diagnosis: Diagnosis } {
  const [expected] = read({ url, cases: [{ origin, ...members }] });
  if (expected === undefined) throw new Error("no case");
  const conversation = fetchAlgorithm(expected.page, expected);
  let turn = conversation.next();
  for (const answer of answers) if (!turn.done) turn = conversation.next(answer);
  if (!turn.done) throw new Error("an answer is missing");
  return { diagnosis: turn.value, differences: compareWith(expected, turn.value) };
}

const reply = (status: number, ...headers: (readonly [string, string])[]): WireOutcome => ({
  response: { status, headers },
});
const any = ["access-control-allow-origin", "*"] as const;
const preflight = reply(
  204,
  any,
  ["access-control-allow-headers", "*, authorization"],
  ["access-control-max-age", "600"],
);
const refusing = [reply(403)];
const down: WireOutcome[] = [{ noResponse: { code: "connection_refused", detail: "nothing listens" } }];

describe("the outcome differs", () => {
  test.each<[what: string, members: object, answers: readonly WireOutcome[], differences: string[]]>([
    ["in nothing", { expect: "allowed" }, [preflight, reply(401, any)], []],
    ["in nothing", { expect: "allowed", status: 401, maxAge: 600 }, [preflight, reply(401, any)], []],
    ["in nothing", { expect: "refused" }, refusing, []],
    ["in nothing", { expect: "refused", failure: "allow_origin_missing" }, refusing, []],
    ["in nothing", { expect: "refused", failure: "connection_refused" }, down, []],
    ["in the verdict", { expect: "allowed" }, refusing, ["expected allowed, but it is refused: allow_origin_missing"]],
    ["in the verdict", { expect: "refused" }, [preflight, reply(200, any)], ["expected refused, but it is allowed"]],
    [
      "in the answer",
      { expect: "refused" },
      down,
      ["expected an answer of the server, but there is none: connection_refused"],
    ],
    [
      "in the answer",
      { expect: "allowed" },
      down,
      ["expected an answer of the server, but there is none: connection_refused"],
    ],
    [
      "in the code",
      { expect: "refused", failure: "preflight_status" },
      refusing,
      ["expected preflight_status, but it is allow_origin_missing"],
    ],
    [
      "in the status",
      { expect: "allowed", status: 200 },
      [preflight, reply(401, any)],
      ["expected the status 200, but it is 401"],
    ],
    [
      "in the headers",
      { expect: "allowed", readable: ["X-Hidden", "x-missing"] },
      [preflight, reply(200, any, ["x-hidden", "1"])],
      [
        "expected that the page reads x-hidden, but Access-Control-Expose-Headers does not list it",
        "expected that the page reads x-missing, but the reply does not have it",
      ],
    ],
    [
      "in Max-Age",
      { expect: "allowed", maxAge: 5 },
      [preflight, reply(200, any)],
      ["expected Access-Control-Max-Age 5, but it is 600"],
    ],
    [
      "in Max-Age",
      { expect: "allowed", maxAge: 5, method: "GET", headers: [] },
      [reply(200, any)],
      ["expected Access-Control-Max-Age 5, but there is no preflight"],
    ],
  ])("%s: %j", (_, members, answers, differences) => {
    expect(diagnose(members, answers).differences).toEqual(differences);
  });
});
