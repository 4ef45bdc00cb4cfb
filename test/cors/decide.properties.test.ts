import fc from "fast-check";
import { expect, test } from "vitest";
import { isRefused } from "../../packages/cors/src/decide.ts";
import type { CorsConfig, CorsRequest, Policy } from "../../packages/cors/src/index.ts";
import { compile, decide, nearestOrigin } from "../../packages/cors/src/index.ts";
import { covers } from "../../packages/cors/src/origins.ts";
import { policyForProxy } from "../../packages/cors/src/policy.ts";
import { describeRefusal } from "../../packages/cors/src/refusals.ts";

const origins = [
  "https://app.example.com",
  "https://*.example.com",
  "http://localhost:*",
  "https://*.a.example:*",
  "https://pr-*-x.b.example",
  "http://x*y.c.example:*",
];
const strangers = ["https://app-*-team.vercel.app", "moz-extension://*"];

const configs: CorsConfig[] = [
  {
    allowedOrigins: [...origins, ...strangers],
    allowedMethods: ["POST"],
    allowedHeaders: ["content-type"],
    maxAge: 600,
  },
  {
    allowedOrigins: origins,
    allowedMethods: ["*"],
    allowedHeaders: ["*"],
    credentials: true,
    allowInsecureOrigins: true,
    privateNetwork: true,
  },
  { allowedOrigins: "*", allowedMethods: ["*"], allowedHeaders: ["*"], exposedHeaders: ["*"] },
  { allowedOrigins: "none" },
];
const policies = configs.map((config): Policy => {
  const compilation = compile(config);
  if (!compilation.ok) throw new Error("a configuration of this test is wrong");
  return compilation.policy;
});

/** What a client might send: near misses of allowed origins as well as noise. */
const label = fc.stringMatching(/^[a-z0-9-]{1,4}$/).filter((text) => !text.startsWith("xn--"));
const filling = fc.stringMatching(/^[a-z0-9_-]{1,60}$/);
const mostly = (usual: fc.Arbitrary<string>, other: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: usual, weight: 6 }, { arbitrary: other, weight: 1 });
const id = "0123abcd-0123-4567-89ab-0123456789ab";
const tail = fc.constantFrom("", ":", ":80", ":443", ":8443", ":0", ":99999", "/", ".", ".evil.com", " ");
const originText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc
    .tuple(
      fc.constantFrom("https://", "http://", "HTTPS://", "https:/", ""),
      fc.array(fc.oneof(label, fc.constantFrom("app", "*", "", "a/b", "a@b", "A")), { maxLength: 3 }),
      fc.constantFrom("example.com", "a.example", "localhost", "Example.com", "evil.com"),
      mostly(fc.constant(""), tail),
    )
    .map(([scheme, labels, host, end]) => `${scheme}${[...labels, host].join(".")}${end}`),
  fc
    .constantFrom(
      ["https://", "pr-", "-x", ".b.example", ""],
      ["http://", "x", "y", ".c.example", ":8443"],
      ["https://", "app-", "-team", ".vercel.app", ""],
    )
    .chain((parts) =>
      fc.tuple(
        ...parts.map((part) =>
          mostly(fc.constant(part), fc.constantFrom(part.slice(1), part.toUpperCase(), `${part}a`)),
        ),
        mostly(filling, fc.constantFrom("", "n--", "a.b", "evil.com/", "*", "@", "%2e", "a".repeat(60))),
        mostly(fc.constant(""), fc.constantFrom("a.", "xn--", ".")),
        mostly(fc.constant(""), tail),
      ),
    )
    .map(([scheme, before, after, host, port, between, labels, end]) =>
      [scheme, labels, before, between, after, host, port, end].join(""),
    ),
  fc
    .tuple(
      fc.constantFrom("moz-extension", "chrome-extension", "https"),
      fc.uuid(),
      fc.constantFrom(id, id.toUpperCase(), ""),
      tail,
    )
    .map(([scheme, random, instead, end]) => `${scheme}://${instead === "" ? random : instead}${end}`),
);
const optional = (text: fc.Arbitrary<string>) => fc.option(text, { nil: undefined });
const requests: fc.Arbitrary<CorsRequest> = fc.record({
  method: fc.constantFrom("OPTIONS", "POST", "GET", "options"),
  origin: optional(originText),
  requestMethod: optional(fc.oneof(fc.string(), fc.constantFrom("POST", "PUT", "TRACE", "post"))),
  requestHeaders: optional(
    fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[ \ta-zA-Z,;-]{0,40}$/), fc.constant("authorization")),
  ),
  requestPrivateNetwork: optional(fc.constantFrom("true", "1", "")),
});

/** The rule of the patterns, written again with the URL parser. */
function matchesByTheBook(origin: string, { credentials }: Policy): boolean {
  // The URL parser does not know the origins of extensions.
  if (origin.startsWith("moz-extension://")) {
    const parts = origin.slice("moz-extension://".length).split("-");
    const lengths = parts.filter((part) => !/[^0-9a-f]/.test(part)).map((part) => part.length);
    return !credentials && lengths.join() === "8,4,4,4,12";
  }
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  // Port 0 parses, but no page is served from it.
  if (url.origin !== origin || url.port === "0") return false;
  const below = (host: string): boolean => {
    const labels = url.hostname.slice(0, -host.length - 1).split(".");
    return url.hostname.endsWith(`.${host}`) && labels.every((part) => /^[a-z0-9_-]{1,63}$/.test(part));
  };
  const within = (before: string, after: string, host: string): boolean => {
    const [first = "", ...rest] = url.hostname.split(".");
    if (rest.join(".") !== host || !first.startsWith(before)) return false;
    const left = first.slice(before.length);
    return left.endsWith(after) && left !== after && /^[a-z0-9_-]{1,63}$/.test(first) && first.slice(0, 4) !== "xn--";
  };
  return (
    origin === "https://app.example.com" ||
    (url.protocol === "https:" && url.port === "" && below("example.com")) ||
    (url.protocol === "http:" && url.hostname === "localhost") ||
    (url.protocol === "https:" && below("a.example")) ||
    (url.protocol === "https:" && url.port === "" && within("pr-", "-x", "b.example")) ||
    (url.protocol === "http:" && within("x", "y", "c.example")) ||
    (!credentials && url.protocol === "https:" && url.port === "" && within("app-", "-team", "vercel.app"))
  );
}

test("decide never throws, and allows an origin exactly when the rule of the list says so", () => {
  fc.assert(
    fc.property(fc.constantFrom(...policies), requests, (policy, request) => {
      const { headers } = decide(policy, request);
      const allowed = headers["access-control-allow-origin"];
      if (policy.anyOrigin) {
        expect(allowed === "*" || request.origin === undefined).toBe(true);
      } else if (allowed !== undefined) {
        expect(allowed).toBe(request.origin);
      }
      if (!policy.anyOrigin && request.origin !== undefined) {
        expect(allowed !== undefined).toBe(policy.origins.length > 0 && matchesByTheBook(request.origin, policy));
      }
      if (allowed === undefined) expect(Object.keys(headers)).toEqual(["vary"]);
    }),
    { numRuns: 5_000 },
  );
});

/** Whether a proxy with the files of the policy lets a page of the origin read its replies. */
function proxyAllows(policy: Policy, origin: string): boolean {
  const { origins: expressions, headers } = policyForProxy(policy);
  if (headers.startsWith("access-control-allow-origin *\n")) return true;
  return expressions.split("\n").some((line) => line !== "" && new RegExp(line).test(origin));
}

function policyAllows(policy: Policy, origin: string): boolean {
  return "access-control-allow-origin" in decide(policy, { method: "POST", origin }).headers;
}

test("the expressions for a proxy match exactly the origins that the policy allows", () => {
  fc.assert(
    fc.property(fc.constantFrom(...policies), originText, (policy, origin) => {
      expect(proxyAllows(policy, origin)).toBe(policyAllows(policy, origin));
    }),
    { numRuns: 5_000 },
  );
});

test.each([0, 1, 79, 80, 81, 443, 9_999, 59_999, 65_535, 65_536, 70_000, 100_000, "01", "8a"])(
  "the expression for any port and the policy agree on port %s",
  (port) => {
    for (const policy of policies) {
      for (const origin of [`http://localhost:${port}`, `https://x.a.example:${port}`])
        expect(proxyAllows(policy, origin), origin).toBe(policyAllows(policy, origin));
    }
  },
);

test("the generator makes origins that each pattern covers", () => {
  const [policy] = policies;
  const samples = fc.sample(originText, { numRuns: 5_000, seed: 1 });
  const unused = policy?.originPatterns.filter((pattern) => !samples.some((origin) => covers(pattern, origin)));
  expect(unused).toEqual([]);
});

test.each(["pr--x", `pr-${"a".repeat(58)}-x`, `pr-${"a".repeat(59)}-x`, "pr-x", "pr-a.b-x", "pr-\n-x", "pr-é-x"])(
  "the expression for a part of a label and the policy agree on %j",
  (first) => {
    const origin = `https://${first}.b.example`;
    const expected = first === `pr-${"a".repeat(58)}-x`;
    for (const policy of policies.slice(0, 2)) {
      expect([proxyAllows(policy, origin), policyAllows(policy, origin)]).toEqual([expected, expected]);
    }
  },
);

test("a pattern in a label covers no encoded name, whose readable form its literals would not bind", () => {
  for (const policy of policies.slice(0, 2)) {
    expect(policyAllows(policy, "http://xn--80ay.c.example")).toBe(false);
    expect(policyAllows(policy, "http://xn-80ay.c.example")).toBe(true);
  }
});

test("the expression for subdomains and the policy agree on the longest host", () => {
  for (const length of [240, 241, 242, 243]) {
    const origin = `https://${"a.".repeat(Math.floor(length / 2))}${length % 2 === 1 ? "a" : ""}a.example.com`;
    for (const policy of policies) expect(proxyAllows(policy, origin), origin).toBe(policyAllows(policy, origin));
  }
});

test("every header value holds list elements that are tokens, never other bytes of the request", () => {
  fc.assert(
    fc.property(fc.constantFrom(...policies), requests, (policy, request) => {
      const { headers } = decide(policy, request);
      for (const name of ["access-control-allow-methods", "access-control-allow-headers"] as const) {
        for (const element of headers[name]?.split(", ") ?? []) expect(element).toMatch(/^[!#$%&'*+.^_`|~\w-]+$/);
      }
    }),
    { numRuns: 5_000 },
  );
});

test("describing a refusal never throws, and the text has a bounded length", () => {
  const long = fc.string({ minLength: 1_000, maxLength: 9_000 });
  fc.assert(
    fc.property(fc.constantFrom(...policies), requests, long, (policy, request, noise) => {
      for (const padded of [
        request,
        { ...request, origin: `https://${noise}` },
        { ...request, requestHeaders: noise },
      ]) {
        const decision = decide(policy, padded);
        if (!isRefused(decision)) continue;
        const refusal = describeRefusal(policy, padded, decision);
        expect(JSON.stringify({ ...refusal, nearest: refusal.nearest }).length).toBeLessThan(6_000);
      }
    }),
    { numRuns: 500 },
  );
});

test("the nearest origin is always one of the list", () => {
  fc.assert(
    fc.property(fc.constantFrom(...policies), originText, (policy, origin) => {
      const nearest = nearestOrigin(policy, origin);
      if (nearest !== null) expect(policy.origins.map((allowed) => allowed.text)).toContain(nearest.origin);
    }),
    { numRuns: 2_000 },
  );
});
