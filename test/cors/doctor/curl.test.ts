import { describe, expect, test } from "vitest";
import { readCurl } from "../../../packages/cors/src/doctor/curl.ts";
import { CommandError } from "../../../packages/cors/src/doctor/shell-words.ts";

const url = "http://localhost:9707/rpc?a=b&c=%20d";
const nothing = { url, method: "GET", headers: [], body: null, credentials: false, origin: null, notes: [] };

/** The same call as Chrome copies it for each shell: the body has quotes, a line feed, %, !, $ and a letter beyond ASCII. */
const body = '{"text":"it\'s 100% ^ & $HOME","next":"a\nb","more":"!é"}';
const copied: readonly (readonly [name: string, command: string])[] = [
  [
    "Chrome for bash",
    String.raw`curl 'http://localhost:9707/rpc?a=b&c=%20d' \
  -H 'accept: */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'authorization: Bearer abc' \
  -H 'cache-control: no-cache' \
  -H 'content-type: application/json' \
  -b 'sid=1; theme=dark' \
  -H 'origin: http://localhost:5173' \
  -H 'referer: http://localhost:5173/' \
  -H 'sec-ch-ua: "Chromium";v="147"' \
  -H 'sec-fetch-mode: cors' \
  -H 'user-agent: Mozilla/5.0' \
  --data-raw $'{"text":"it\'s 100% ^ & $HOME","next":"a\nb","more":"\u0021\u00e9"}'`,
  ],
  [
    "Chrome for cmd.exe",
    [
      `curl ^"http://localhost:9707/rpc?a=b^&c=^%^20d^" ^`,
      `  -H ^"accept: */*^" ^`,
      `  -H ^"authorization: Bearer abc^" ^`,
      `  -H ^"content-type: application/json^" ^`,
      `  -b ^"sid=1; theme=dark^" ^`,
      `  -H ^"origin: http://localhost:5173^" ^`,
      String.raw`  -H ^"sec-ch-ua: ^\^"Chromium^\^";v=^\^"147^\^"^" ^`,
      String.raw`  --data-raw ^"^{^\^"text^\^":^\^"it's 100^% ^^ ^& ^$HOME^\^",^\^"next^\^":^\^"a^`,
      "",
      String.raw`b^\^",^\^"more^\^":^\^"^!^é^\^"^}^"`,
    ].join("\r\n"),
  ],
  [
    "Firefox for bash",
    String.raw`curl 'http://localhost:9707/rpc?a=b&c=%20d' --compressed -X POST -H 'User-Agent: Mozilla/5.0' -H 'Authorization: Bearer abc' -H 'Content-Type: application/json' -H 'Origin: http://localhost:5173' -H 'Cookie: sid=1' --data-raw $'{"text":"it\'s 100% ^ & $HOME","next":"a\x0ab","more":"\x21\xe9"}'`,
  ],
  [
    "PowerShell",
    [
      "curl.exe 'http://localhost:9707/rpc?a=b&c=%20d' `",
      "  -H 'authorization: Bearer abc' `",
      "  -H 'content-type: application/json' -H 'cookie: a=b' -H 'origin: http://localhost:5173' `",
      `  --data-raw '{"text":"it''s 100% ^ & $HOME","next":"a\nb","more":"!é"}'`,
    ].join("\n"),
  ],
];

test.each(copied)("reads what %s copies", (_, command) => {
  const call = readCurl(command);
  expect(call).toMatchObject({
    ...{ url, method: "POST", body, credentials: true, origin: "http://localhost:5173" },
    headers: [
      expect.stringMatching(/^authorization: Bearer abc$/i),
      expect.stringMatching(/^content-type: application\/json$/i),
    ],
  });
  expect(call.notes[0]).toContain("The command sends cookies");
});

const form = "content-type: application/x-www-form-urlencoded";

test.each([
  ["a URL alone", `curl '${url}'`, {}],
  ["a prompt and a path", `$ /usr/bin/curl '${url}'`, {}],
  ["a URL without a scheme", "curl localhost:9707", { url: "http://localhost:9707" }],
  ["--url", `curl --url '${url}' -sSL -o out.json`, {}],
  ["a joined method", `curl -XPUT '${url}'`, { method: "PUT" }],
  [
    "joined flags",
    `curl -skX DELETE '${url}'`,
    { method: "DELETE", notes: [expect.stringContaining("-k is ignored")] },
  ],
  ["-I", `curl -I '${url}'`, { method: "HEAD" }],
  ["--head", `curl --head '${url}'`, { method: "HEAD" }],
  ["data", `curl '${url}' -d a=1 --data b=2`, { method: "POST", body: "a=1&b=2", headers: [form] }],
  ["binary data", `curl '${url}' --data-binary 'a\nb'`, { method: "POST", body: "a\nb", headers: [form] }],
  ["raw data with @", `curl '${url}' --data-raw @a`, { method: "POST", body: "@a", headers: [form] }],
  [
    "encoded data",
    `curl '${url}' --data-urlencode 'a=1 &2' --data-urlencode 'x y'`,
    { method: "POST", body: "a=1%20%262&x%20y", headers: [form] },
  ],
  [
    "JSON",
    `curl '${url}' --json '{"a":1}'`,
    { method: "POST", body: '{"a":1}', headers: ["content-type: application/json"] },
  ],
  [
    "data in the query",
    "curl -G http://a.test/?x=1 -d a=1 --data-urlencode 'b=c d'",
    { url: "http://a.test/?x=1&a=1&b=c%20d" },
  ],
  [
    "a form",
    `curl '${url}' -F a=1 -F b=2`,
    {
      method: "POST",
      headers: ["content-type: multipart/form-data; boundary=----cors-doctor"],
      body: expect.stringContaining('name="b"\r\n\r\n2\r\n------cors-doctor--'),
    },
  ],
  ["a user", `curl '${url}' -u 'jö:x'`, { headers: ["authorization: Basic asO2Ong="] }],
  ["a bearer token", `curl '${url}' --oauth2-bearer abc`, { headers: ["authorization: Bearer abc"] }],
  ["a referer", `curl '${url}' -e https://app.test/page`, { origin: "https://app.test" }],
  [
    "an origin before a referer",
    `curl '${url}' -H 'referer: https://b.test/' -H 'origin: https://a.test'`,
    { origin: "https://a.test" },
  ],
  ["the origin null", `curl '${url}' -H 'Origin: null'`, { origin: "null" }],
  ["headers without a value", `curl '${url}' -H 'x-a;' -H 'accept:'`, { headers: ["x-a: "] }],
  ["a range", `curl '${url}' -r 0-9`, { headers: ["range: bytes=0-9"] }],
  ["an escaped space", String.raw`curl http://a.test/ -H x-a:\ b\"c`, { url: "http://a.test/", headers: ['x-a: b"c'] }],
  [
    "double quotes",
    String.raw`curl "http://a.test/" -H "x-a: b\"c\\d\n"`,
    { url: "http://a.test/", headers: [String.raw`x-a: b"c\d\n`] },
  ],
  [
    "ANSI-C quotes",
    String.raw`curl http://a.test/ -H $'x-a: \x41\102\u0043\U00000044\'\xc3\xa9'`,
    { url: "http://a.test/", headers: ["x-a: ABCD'é"] },
  ],
] as const)("reads %s", (_, command, expected) => {
  expect(readCurl(command)).toEqual({ ...nothing, ...expected });
});

test.each([
  [
    "what browsers set themselves",
    "-H 'User-Agent: x' -H 'Sec-Fetch-Mode: cors' -H 'Host: a' -H 'Priority: u=1'",
    "Left out, because the browser sets them: user-agent, sec-fetch-mode, host, priority.",
  ],
  ["files", "-d @secret.json", "No file is read"],
  ["files of a form", "-F a=@secret.png", "No file is read"],
  ["proxies", "-x http://proxy:3128", "-x is left out"],
])("says that it leaves out %s", (_, options, note) => {
  expect(readCurl(`curl '${url}' ${options}`).notes.join("\n")).toContain(note);
});

test.each([
  '-H "authorization: Bearer $TOKEN"',
  "-H x-a:$(whoami)",
  "-d `whoami`",
  '-H "x-a: $(cat /etc/passwd)"',
  "-H x-a:$A",
])("expands nothing: %s", (options) => {
  const call = readCurl(`curl '${url}' ${options}`);
  expect(call.notes.join("\n")).toContain("nothing is run or expanded");
  expect([...call.headers, call.body].join()).toMatch(/\$TOKEN|\$\(whoami\)|`whoami`|\$\(cat \/etc\/passwd\)|\$A/);
});

test.each(["'$TOKEN'", String.raw`"\$TOKEN"`, "$'$TOKEN'"])("a quoted variable is no variable: %s", (quoted) => {
  expect(readCurl(`curl '${url}' --data-raw ${quoted}`).notes).toEqual([]);
});

describe("refuses in one sentence", () => {
  test.each([
    ["", 'the command must begin with curl, and begins with ""'],
    ["wget http://a.test/", 'begins with "wget"; in the Network panel of the browser, choose Copy as cURL'],
    ["Invoke-WebRequest -Uri http://a.test/", "must begin with curl"],
    ["curl", "has no URL"],
    ["curl http://a.test http://b.test", "more than one URL: leave out http://b.test"],
    ["curl http://a.test --frobnicate --next -Q x", "the curl options --frobnicate, --next, -Q are not known here"],
    ["curl http://a.test -H", "-H needs a value"],
    ["curl 'http://a.test", "the quote ' is not closed"],
    ['curl "http://a.test', 'the quote " is not closed'],
    ["curl $'http://a.test", "the quote $' is not closed"],
    ['curl ^"http://a.test', 'the quote " is not closed'],
    ["curl http://a.test/?a=1&b=2", "at the unquoted &, and only one command is read: quote the URL"],
    ["curl http://a.test | jq .", "at the unquoted |"],
    ["curl http://a.test > out", "at the unquoted >"],
    ["curl ‘http://a.test’ -H “a: b”", "a chat or an editor has changed the quotes to ‘"],
    ["curl http://a.test; rm -rf /", "at the unquoted ;"],
  ])("%s", (command, message) => {
    expect(() => readCurl(command)).toThrow(CommandError);
    expect(() => readCurl(command)).toThrow(message);
  });
});

test("any text is read or refused, quickly", () => {
  for (const text of ["^", "'", '"', "\\", "`\n", "$'", "-H ", "^\n", '\\"', "--data-urlencode =@"]) {
    const read = () => readCurl(`curl ${text.repeat(20_000)}`).method;
    expect(["GET", "refused"]).toContain(orRefused(read));
  }
});

function orRefused(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof CommandError) return "refused";
    throw error;
  }
}
