import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import type { WireRequest } from "../conformance/twirp-http.ts";
import type { Random } from "../setup/random.ts";

/** A request that nobody honest would send, and what is odd about it. */
export interface HostileRequest {
  readonly name: string;
  readonly wire: WireRequest;
}

type Make = (random: Random) => Buffer;

const METHODS = FinanceService.methods.map(({ name }) => name);
const FIELDS = FinanceService.methods.flatMap(({ I }) => I.fields.map(({ name }) => name));

/** Text that parsers stumble over. */
const JSON_PARTS = [
  ...["{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud800", "null", "true", "NaN", "Infinity", "-", "-0", "1e400"],
  ...[
    "9223372036854775808",
    "-9223372036854775809",
    "0.1",
    "1e-3",
    "1E2",
    "\u2028",
    "\ufeff",
    "\0",
    "é",
    "💶",
    "/*",
    "//",
  ],
  ...[
    '"__proto__"',
    '"constructor"',
    '"metadata"',
    '"a"',
    "{}",
    "[]",
    '"1970-01-01T00:00:00Z"',
    '"0000-00-00"',
    " ",
    "\n",
  ],
];

function pick<T>(random: Random, items: readonly [T, ...T[]] | readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function times(random: Random, max: number): number {
  return Math.floor(random() * (max + 1));
}

function bytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

function jsonValue(random: Random, depth: number): string {
  const kind = random();
  if (kind < 0.5 || depth === 0)
    return random() < 0.5 ? JSON.stringify(bytes(random, 6).toString("latin1")) : pick(random, JSON_PARTS);
  const members = Array.from({ length: times(random, 4) }, () => jsonValue(random, depth - 1));
  if (kind < 0.7) return `[${members.join(",")}]`;
  return `{${members.map((member) => `${JSON.stringify(pick(random, FIELDS))}:${member}`).join(",")}}`;
}

const BODIES: Readonly<Record<string, Make>> = {
  "random bytes": (random) => bytes(random, times(random, 400)),
  "parts of JSON": (random) =>
    Buffer.from(Array.from({ length: times(random, 30) }, () => pick(random, JSON_PARTS)).join("")),
  "fields with odd values": (random) =>
    Buffer.from(
      `{${Array.from({ length: times(random, 6) }, () => `${JSON.stringify(pick(random, FIELDS))}:${jsonValue(random, 4)}`).join(",")}}`,
    ),
  "fields with bytes changed": (random) => {
    const body = Buffer.from(
      '{"id":"4","amount":12,"metadata":{"a":"b"},"effective_at":"2026-01-01T00:00:00Z","transfers":[{}]}',
    );
    for (let change = times(random, 4); change >= 0; change -= 1)
      body[times(random, body.length - 1)] = times(random, 255);
    return body;
  },
  "wire format": (random) =>
    Buffer.concat(
      Array.from({ length: times(random, 12) }, () => {
        const tag = times(random, 20) * 8 + times(random, 7);
        const length = times(random, 5);
        return Buffer.concat([Buffer.from([tag, length]), bytes(random, random() < 0.8 ? length : times(random, 8))]);
      }),
    ),
  "overlong varints": (random) =>
    Buffer.from([8, ...Array.from({ length: times(random, 14) }, () => 0xff), times(random, 255)]),
  nesting: (random) => {
    const depth = times(random, 3000);
    return Buffer.from(pick(random, ["[", '{"x":', '{"transfers":[', '{"metadata":{"a":'] as const).repeat(depth));
  },
  nothing: () => Buffer.alloc(0),
};

const CONTENT_TYPES = [
  ...["application/json", "application/json", "application/json", "application/protobuf", "application/protobuf"],
  ...[
    "APPLICATION/JSON;",
    'application/json; charset="',
    "application/json, application/protobuf",
    "text/plain",
    ";",
    "/",
  ],
];

const TARGETS: readonly ((random: Random) => string)[] = [
  ...Array.from({ length: 6 }, () => (random: Random) => `/twirp/finance.v1.FinanceService/${pick(random, METHODS)}`),
  (random) => `/twirp/finance.v1.FinanceService/${encodeURIComponent(bytes(random, 5).toString("latin1"))}`,
  (random) => `/${pick(random, ["%", "%zz", "%2f%2F", "..", "//", "%00", "%c0%af", "a".repeat(5000)])}`,
  (random) =>
    `/twirp/finance.v1.FinanceService%2f${pick(random, METHODS)}?${encodeURIComponent(bytes(random, 9).toString("latin1"))}`,
  (random) => `http://other/twirp/finance.v1.FinanceService/${pick(random, METHODS)}`,
];

const ODD_HEADERS: readonly ((random: Random) => readonly [string, string | string[]])[] = [
  (random) => ["twirp-timeout-ms", pick(random, ["0", "-1", "1e9", "99999999999", "10000", " 5 0"])],
  (random) => ["Content-Encoding", pick(random, ["gzip", "br", "identity", "deflate, gzip", ""])],
  (random) => [
    "Accept",
    bytes(random, 10)
      .toString("latin1")
      .replace(/[^\x20-\x7e\x80-\xff]/g, "?"),
  ],
  (random) => ["X-Many", Array.from({ length: times(random, 40) + 1 }, () => "x".repeat(times(random, 100)))],
  (random) => ["Accept-Version", pick(random, ["1", "x", "*"])],
  (random) => ["Expect", pick(random, ["100-continue", "200-ok"])],
  (random) => ["Authorization", `Bearer ${bytes(random, 20).toString("base64")}`],
  (random) => ["__proto__", pick(random, ["1", "x"])],
];

/** The next request of a seeded sequence. */
export function hostileRequest(random: Random): HostileRequest {
  const [name, make] = pick(random, Object.entries(BODIES));
  const headers: Record<string, string | string[]> = { "Content-Type": pick(random, CONTENT_TYPES) };
  for (let odd = times(random, 2); odd > 0; odd -= 1) {
    const [header, value] = pick(random, ODD_HEADERS)(random);
    headers[header] = value;
  }
  if (random() < 0.3) headers["Transfer-Encoding"] = "chunked";
  const method = random() < 0.9 ? "POST" : pick(random, ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"]);
  return { name, wire: { method, target: pick(random, TARGETS)(random), headers, body: make(random) } };
}
