/** Servers that answer at random, with redirects between them, and the calls of a page. The seed determines them. */

import type { Random } from "../../setup/random.ts";
import type { Answer } from "./broken-server.ts";

/** The place of a page: an http or https origin, or a sandboxed frame on the http one. */
export type PlaceName = "http" | "https" | "sandbox";

/** One server on the way of redirects, and how it answers. */
export interface Hop {
  /** Scheme, host and port; `{http_port}` and `{https_port}` stand for those of the servers. */
  readonly base: string;
  /** The answer to OPTIONS. */
  readonly preflight: Answer;
  readonly reply: Answer;
}

export interface RandomServer {
  readonly from: PlaceName;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | null;
  readonly credentials: "include" | "same-origin";
  /** The page calls the first; each of the others is the target of the one before. */
  readonly hops: readonly Hop[];
}

const weighted = <Choice>(random: Random, choices: readonly (readonly [weight: number, choice: Choice])[]): Choice => {
  const sum = choices.reduce((total, [weight]) => total + weight, 0);
  let left = random() * sum;
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  throw new RangeError("no choice");
};
const pick = <Choice>(random: Random, choices: readonly Choice[]): Choice => {
  return weighted(
    random,
    choices.map((choice) => [1, choice]),
  );
};

const bases: readonly (readonly [weight: number, base: string])[] = [
  [8, "http://localhost:{http_port}"],
  [4, "http://127.0.0.1:{http_port}"],
  [2, "http://api.localhost:{http_port}"],
  [1, "http://localhost.:{http_port}"],
  [1, "http://127.1.2.3:{http_port}"],
  // Browsers do not trust this address as they trust loopback.
  [1, "http://0.0.0.0:{http_port}"],
  [4, "https://localhost:{https_port}"],
  [2, "https://127.0.0.1:{https_port}"],
  [2, "https://a.b.localhost:{https_port}"],
];
/** Targets that browsers do not call, each for a different reason. */
const unreachable = [
  "http://localhost:6000",
  "https://localhost:10080",
  "http://api.invalid",
  "http://api.invalid:6667",
  "http://a..localhost:{http_port}",
];

const odd = [
  "data:,{path}",
  "file:///{path}",
  "blob:http://localhost/{path}",
  "about:blank?{path}",
  "filesystem:http://localhost/temporary{path}",
  "ws://localhost{path}",
  "wss://localhost{path}",
  "ftp://localhost{path}",
  "javascript:{path}",
  "mailto:{path}",
  "chrome-extension://abc{path}",
  "custom://host{path}",
  "http://[{path}",
  "http://localhost:99999{path}",
  "http://user:secret@localhost:{http_port}{path}/9",
  "//",
  "",
];

/** Unusual spellings of URLs. */
const oddlyWritten = [
  "{step}",
  "./{step}?again#part",
  "{path}1?",
  "../{case}/{step}",
  "HTTP://LOCALHOST:{http_port}{path}1",
  "http:\\\\localhost:{http_port}{path}1",
  "http:/localhost:{http_port}{path}1",
  " {path}1 ",
  "{path}1\t2",
  '{path}1/a b<>"`{}',
  "{path}1/%41%zz?%41 '#%41",
  "{path}1/\xc3\xa9?\xc3\xa9#\xc3\xa9",
  "http://localhost:{http_port}:1{path}1",
  "http://LOCAL\u00adHOST:{http_port}{path}1",
  "http://127.1:{http_port}{path}1",
  "http://0x7f.0.0.1:{http_port}{path}1",
  "http://localhost:0{http_port}{path}1",
  "http://@localhost:{http_port}{path}1",
];

/** Makes one server and one call to it. */
export function randomServer(random: Random): RandomServer {
  const from = weighted<PlaceName>(random, [
    [5, "http"],
    [3, "https"],
    [1, "sandbox"],
  ]);
  const method = weighted(random, [
    [6, "GET"],
    [6, "POST"],
    [2, "PUT"],
    [1, "DELETE"],
    [1, "HEAD"],
    [1, "PATCH"],
    [1, "patch"],
    [1, "put"],
    [1, "OPTIONS"],
    [1, "PURGE"],
  ]);
  const headers = pageHeaders(random);
  const takesBody = method !== "GET" && method !== "HEAD";
  const body = takesBody && random() < 0.5 ? pick(random, ["", "x", "{}", "é"]) : null;
  const credentials = random() < 0.3 ? "include" : "same-origin";
  const length = weighted(random, [
    [6, 1],
    [3, 2],
    [2, 3],
    [1, 4],
  ]);
  if (random() < 0.03) return { from, credentials, ...loop(random, length) };
  const hops: Hop[] = [];
  for (let i = 0; i < length; i++) {
    const isLast = i === length - 1;
    const base = i > 0 && random() < 0.1 ? pick(random, unreachable) : weighted(random, bases);
    hops.push({ base, preflight: preflightAnswer(random), reply: isLast ? lastReply(random) : redirectReply(random) });
  }
  return { from, method, headers, body, credentials, hops };
}

/**
 * Endless redirects, without preflights and the redirects that Chromium caches, because the doctor has no cache.
 */
function loop(random: Random, length: number): Pick<RandomServer, "method" | "headers" | "body" | "hops"> {
  const hops = Array.from({ length }, (_, i): Hop => {
    const status = pick(random, [302, 303, 307]);
    const location = i === length - 1 ? "{first}" : "{next}";
    const lines = ["Access-Control-Allow-Origin: *", `Location: ${location}`, "Cache-Control: no-store"];
    return { base: weighted(random, bases), preflight: {}, reply: withOddHead(random, status, lines) };
  });
  return { method: pick(random, ["GET", "HEAD", "POST"]), headers: [], body: null, hops };
}

function pageHeaders(random: Random): [name: string, value: string][] {
  const known: readonly (readonly [string, readonly string[]])[] = [
    ["authorization", ["Bearer token"]],
    [
      "content-type",
      [
        "application/json",
        "text/plain",
        "Text/Plain;charset=UTF-8",
        'text/plain; charset="utf-8"',
        "multipart/form-data; boundary=x",
        "text/plain\v",
        "text/plain, text/plain",
        "",
      ],
    ],
    ["accept", ["application/json", "a".repeat(129), 'a"b', ""]],
    ["accept-language", ["de", "de/en", "é"]],
    ["content-language", ["de", "d:e"]],
    ["range", ["bytes=0-9", "bytes=9-0", "bytes=-9", "bytes=9-", "bytes=0-99999999999999999999"]],
    ["x-a", ["1", ""]],
    ["x-b", ["2"]],
    ["access-control-allow-origin", ["*"]],
    ["cache-control", ["no-cache"]],
    ["if-none-match", ['"1"']],
    ["if-modified-since", ["Thu, 01 Jan 1970 00:00:00 GMT", ""]],
    ["if-range", ['"1"']],
    ["intervention", ["a"]],
    ["x-requested-with", ["XMLHttpRequest"]],
    ["pragma", ["no-cache"]],
    ["user-agent", ["page"]],
    ["save-data", ["on", "ON", "off"]],
    ["dpr", ["2", "1.5", "1.", "x"]],
    ["width", ["10", "1.5"]],
    ["viewport-width", ["10", ""]],
    ["device-memory", ["8", "8g"]],
    ["rtt", ["100", "1.5"]],
    ["downlink", ["1.5", "fast"]],
    ["ect", ["4g", "5g", "4G"]],
  ];
  const count = weighted(random, [
    [4, 0],
    [4, 1],
    [3, 2],
    [1, 4],
  ]);
  const chosen = new Map<string, string>();
  if (random() < 0.15) {
    const [name] = pick(
      random,
      known.filter(([each]) => each !== "cache-control"),
    );
    chosen.set(name, randomValue(random));
  }
  for (let i = 0; i < count; i++) {
    const [name, values] = random() < 0.5 ? pick(random, known.slice(0, 2)) : pick(random, known);
    chosen.set(name, pick(random, values));
  }
  return [...chosen];
}

/** Parts of header values, similar to those that are safelisted. */
function randomValue(random: Random): string {
  const start = pick(random, ["", "", "text/plain", "multipart/form-data", "bytes=", "on", "4g", "1", "de"]);
  const parts = [
    "1",
    "0",
    ".",
    "-",
    ",",
    ";",
    "=",
    " ",
    "a",
    "A",
    "/",
    '"',
    "(",
    ":",
    "\v",
    "\x01",
    "\x7f",
    "é",
    "*",
    "x".repeat(60),
  ];
  return start + Array.from({ length: Math.floor(random() * 5) }, () => pick(random, parts)).join("");
}

/** The lines that decide whether a page may read a response. Correct ones are frequent, or most chains would end early. */
function corsLines(random: Random): string[] {
  const name = pick(random, ["Access-Control-Allow-Origin", "access-control-allow-origin"]);
  const value = weighted(random, [
    [10, ["{origin}"]],
    [6, ["*"]],
    [2, ["null"]],
    [1, []],
    [1, pick(random, oddOrigins)],
  ]);
  const lines = value.map((each) => `${name}: ${each}`);
  const credentials = weighted(random, [
    [5, ["true"]],
    [4, []],
    [1, pick(random, [["True"], ["1"], ["true", "true"], [" true\t"], [""]])],
  ]);
  return [...lines, ...credentials.map((each) => `Access-Control-Allow-Credentials: ${each}`)];
}

const oddOrigins: readonly (readonly string[])[] = [
  ["{origin}/"],
  ["{origin}", "{origin}"],
  ["*", "*"],
  ["*, {origin}"],
  ["{origin} {origin}"],
  ["{origin},"],
  [""],
  ["true"],
  ["localhost"],
  ['"{origin}"'],
  ["HTTP://LOCALHOST"],
  ["http://localhost:*"],
  ["http://*.localhost"],
  ["Null"],
  ["http://\x01"],
  ["\v*"],
  ["é"],
  ["'*'"],
];

function preflightAnswer(random: Random): Answer {
  const status = weighted(random, [
    [6, 204],
    [6, 200],
    [1, 299],
    [1, pick(random, [0, 199, 300, 302, 304, 307, 400, 401, 403, 404, 405, 407, 500, 501, 503, 1000])],
  ]);
  const lines = corsLines(random);
  const methods = weighted(random, [
    [3, "GET, PUT, DELETE, PATCH, PURGE, OPTIONS, patch"],
    [2, "*"],
    [2, null],
    [1, "PUT"],
    [1, randomList(random)],
  ]);
  const headers = weighted(random, [
    [4, "Authorization, content-type, X-A, x-b, accept, range, dpr"],
    [4, "*"],
    [1, "*, authorization"],
    [1, null],
    [1, "x-a"],
    [1, randomList(random)],
  ]);
  if (methods !== null) lines.push(`Access-Control-Allow-Methods: ${methods}`);
  if (headers !== null) lines.push(`Access-Control-Allow-Headers: ${headers}`);
  if (methods !== null && random() < 0.1) lines.push(`Access-Control-Allow-Methods: ${randomList(random)}`);
  if (headers !== null && random() < 0.1) lines.push(`ACCESS-control-allow-headers: ${randomList(random)}`);
  if (random() < 0.2) lines.push(`Access-Control-Max-Age: ${pick(random, ["600", "0", "-1", "x", "", "1.5"])}`);
  if (random() < 0.05) lines.push(`Location: ${pick(random, ["{path}", "https://login.invalid/", "http://[", ""])}`);
  return withOddHead(random, status, lines);
}

function lastReply(random: Random): Answer {
  const status = weighted(random, [
    [8, 200],
    [3, pick(random, [201, 204, 205, 206, 300, 304, 399])],
    [3, pick(random, [400, 401, 403, 404, 407, 408, 413, 429])],
    [3, pick(random, [500, 502, 503, 504, 600])],
    [1, pick(random, [301, 302, 303, 307, 308])],
    [1, pick(random, [0, 99, 199, 1000, 70000, 99999999999])],
  ]);
  const lines = [...corsLines(random), "X-A: 1", "ETag: 1"];
  if (random() < 0.3) lines.push(`Content-Type: ${pick(random, ["application/json", "text/html", "", "x y"])}`);
  if (random() < 0.4) lines.push(`Access-Control-Expose-Headers: ${exposed(random)}`);
  if (random() < 0.1) lines.push(pick(random, oddBodies));
  if (random() < 0.1) lines.push(`Location: ${pick(random, odd)}`);
  return withOddHead(random, status, lines);
}

function exposed(random: Random): string {
  return weighted(random, [
    [2, "*"],
    [2, "X-A, etag"],
    [1, "x-a,, ,ETag,"],
    [1, "*, x-a"],
    [1, "set-cookie, x-a"],
    [1, randomList(random)],
  ]);
}

const oddBodies = [
  "Content-Encoding: gzip",
  "Content-Encoding: unknown",
  "Transfer-Encoding: chunked",
  "Content-Disposition: attachment; filename=a,b",
  'Content-Disposition: attachment; filename="a,b"',
  "Cache-Control: no-store",
  "WWW-Authenticate: Bearer",
  "Vary: Origin",
  "X-A: 2",
  "Keep-Alive: timeout=5",
];

function redirectReply(random: Random): Answer {
  const status = pick(random, [301, 302, 303, 307, 308]);
  const location =
    random() < 0.15
      ? pick(random, odd)
      : random() < 0.2
        ? pick(random, oddlyWritten)
        : pick(random, ["{next}", "{next}?a=b#c", "{next}?\xe9"]);
  const lines = [...corsLines(random), `Location: ${location}`];
  if (random() < 0.05) lines.push(pick(random, [`Location: ${location}`, "Location: /elsewhere", "Location:"]));
  return withOddHead(random, status, lines);
}

/** Names with correct and wrong separators, so that some lists are valid and most are not. */
function randomList(random: Random): string {
  const parts = [
    "x-a",
    "X-B",
    "authorization",
    "content-type",
    "PUT",
    "*",
    ",",
    ", ",
    " ",
    "\t",
    ";",
    '"',
    "(",
    "\x01",
    "é",
  ];
  const length = Math.floor(random() * 7);
  return Array.from({ length }, () => pick(random, parts)).join("");
}

/** Inserts or removes a few bytes anywhere. */
function mutate(random: Random, text: string): string {
  let mutated = text;
  for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) {
    const at = Math.floor(random() * mutated.length);
    const inserted = pick(random, [
      "",
      "",
      "\r",
      "\n",
      "\r\n",
      "\0",
      ":",
      " ",
      "\t",
      ",",
      '"',
      "\\",
      "h",
      "9",
      "\x7f",
      "\xff",
    ]);
    mutated = mutated.slice(0, at) + inserted + mutated.slice(inserted === "" ? at + 1 : at);
  }
  return mutated;
}

/** Sometimes a head that no correct server would send. */
function withOddHead(random: Random, status: number, headers: readonly string[]): Answer {
  // Without the second line, a browser may reuse the connection while it closes, and send the request twice.
  const start = `HTTP/1.1 ${status} Status\r\nConnection: close\r\n`;
  const rest = ["Content-Length: 0", ...headers, "", ""].join("\r\n");
  const proper = start + rest;
  if (random() < 0.05) return { bytes: start + mutate(random, rest) };
  if (random() < 0.88) return { bytes: proper };
  const bytes = pick(random, [
    proper.replace("HTTP/1.1", "http/1.1"),
    proper.replace("HTTP/1.1", "HTTP/1.0"),
    proper.replace("HTTP/1.1", "HTTP/9.9"),
    proper.replace("HTTP/1.1", "HTTPS"),
    proper.replace(" Status", ""),
    proper.replace(/ \d+ Status/, ""),
    proper.replace(/ \d+ Status/, " OK"),
    proper.replaceAll(/: /g, " : "),
    proper.replaceAll(/: /g, ":\t"),
    proper.replaceAll(/: /g, ":\r\n "),
    proper.replaceAll("\r\n", "\n"),
    proper.replace("\r\n", "\r\n no header\r\n: none\r\nx y: 1\r\nnone\r\n"),
    proper.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"),
    proper.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 1"),
    proper.replace("Content-Length: 0", "Content-Length: 0, 0"),
    proper.replace("Content-Length: 0", "Content-Length: 10"),
    proper.replace("Content-Length: 0", "Content-Length: x"),
    proper.replace("Content-Length: 0\r\n", ""),
    proper.replace("Connection: close", "X-Nul: a\0b\r\nConnection: close"),
    proper.slice(0, -2),
    proper.slice(0, -4),
    proper.slice(0, Math.floor(random() * proper.length)),
    `\r\n\r\n${proper}`,
    `12345${proper}`,
    `HTTP/1.1 100 Continue\r\n\r\n${proper}`,
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${proper}`,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "ICY 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\r\n",
    "220 mail.example.com ESMTP\r\n",
    "",
  ]);
  return { bytes };
}
