import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthenticationError, createAuthenticator, KeysUnavailableError } from "../../src/auth/index.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A pair of keys by name, the public one as it is published. */
interface Keys {
  readonly published: JWK;
  sign(subject: string, kid?: string): Promise<string>;
}

let first: Keys;
let second: Keys;

beforeAll(async () => {
  [first, second] = await Promise.all([makeKeys("first"), makeKeys("second")]);
});

async function makeKeys(kid: string): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    published: { ...(await exportJWK(publicKey)), kid },
    sign: async (subject, named: string | undefined = kid) =>
      `Bearer ${await new SignJWT({ exp: 9_999_999_999 })
        .setProtectedHeader({ alg: "ES256", ...(named !== "" && { kid: named }) })
        .setSubject(subject)
        .sign(privateKey)}`,
  };
}

type Answer = (response: ServerResponse) => void;

const publishing =
  (...keys: Keys[]): Answer =>
  (response) =>
    void response.end(JSON.stringify({ keys: keys.map(({ published }) => published) }));
const failing: Answer = (response) => void response.writeHead(500).end();
const hanging: Answer = () => undefined;

/** An issuer, how it answers, and how often it was asked. */
let issuer: { url: string; answer: Answer; asked: number; close(): Promise<void> };

beforeEach(async () => {
  const server = createServer((_request, response) => {
    issuer.asked += 1;
    issuer.answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    answer: publishing(first),
    asked: 0,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
});
afterEach(() => issuer.close());

/** Tokens checked against the issuer, at times of the test's own. */
function verifier(options: { answerTimeoutMs?: number; patienceMs?: number } = {}) {
  let nowMs = 1_800_000_000_000;
  const warnings: string[] = [];
  const authenticate = createAuthenticator({
    trust: { jwksUrl: issuer.url },
    now: () => nowMs,
    log: { warn: (_details, message) => warnings.push(message) },
    // Enough for the slowest machine, where nothing hangs on purpose.
    patienceMs: 60 * SECOND,
    ...options,
  });
  return {
    authenticate,
    warnings,
    pass(ms: number): void {
      nowMs += ms;
    },
    /** "accepted", the reason, or "unavailable". */
    async check(token: string): Promise<string> {
      try {
        await authenticate(token);
        return "accepted";
      } catch (error) {
        if (error instanceof AuthenticationError) return error.reason;
        if (error instanceof KeysUnavailableError) return "unavailable";
        throw error;
      }
    },
  };
}

/** Until the fetch in the background has ended, as seen by what it changes. */
async function untilAsked(times: number): Promise<void> {
  await vi.waitFor(() => expect(issuer.asked).toBe(times), { timeout: 10_000, interval: 1 });
}

describe("a key that is withdrawn", () => {
  test("is refused after a minute at the latest, for tokens in use and for new ones", async () => {
    const { check, pass } = verifier();
    const used = await first.sign("used");
    expect(await check(used)).toBe("accepted");
    issuer.answer = publishing(second);
    pass(MINUTE);
    expect(await check(used)).toBe("token_signature_invalid");
    expect(await check(await first.sign("new"))).toBe("token_signature_invalid");
    expect(await check(await second.sign("alice"))).toBe("accepted");
  });

  test("is noticed in the background by a token in use, without waiting", async () => {
    const { check, pass } = verifier();
    const used = await first.sign("used");
    await check(used);
    issuer.answer = publishing(second);
    pass(30 * SECOND);
    expect(await check(used)).toBe("accepted");
    await untilAsked(2);
    await vi.waitFor(async () => expect(await check(used)).toBe("token_signature_invalid"), {
      timeout: 10_000,
      interval: 1,
    });
    expect(issuer.asked).toBe(2);
  });

  test("is noticed after a long quiet time before its token is accepted once more", async () => {
    const { check, pass } = verifier();
    await check(await first.sign("used"));
    issuer.answer = publishing();
    pass(10 * HOUR);
    expect(await check(await first.sign("used"))).toBe("token_signature_invalid");
  });

  test("is noticed even if the clock was set back", async () => {
    const { check, pass } = verifier();
    await check(await first.sign("used"));
    issuer.answer = publishing();
    pass(-HOUR);
    expect(await check(await first.sign("used"))).toBe("token_signature_invalid");
  });
});

test("the set is fetched once in half a minute, however many tokens are checked", async () => {
  const { check, pass } = verifier();
  const tokens = await Promise.all(["a", "b", "c"].map((subject) => first.sign(subject)));
  for (let half = 1; half <= 3; half += 1) {
    for (const token of [...tokens, ...tokens]) expect(await check(token)).toBe("accepted");
    await untilAsked(half);
    pass(MINUTE);
  }
});

describe.each([
  ["fails", failing],
  ["hangs", hanging],
  ["hangs up", ((response) => void response.destroy()) satisfies Answer],
  ["answers with a page", ((response) => void response.end("<html>")) satisfies Answer],
  ["answers with other JSON", ((response) => void response.end('{"keys":1}')) satisfies Answer],
  ["redirects", ((response) => void response.writeHead(302, { location: "/elsewhere" }).end()) satisfies Answer],
  ["answers with more than a megabyte", ((response) => void response.end(" ".repeat(1_100_000))) satisfies Answer],
])("while the issuer %s", (_, away) => {
  test("known keys stay valid for a day, for new tokens too, and no longer", async () => {
    const { check, pass, warnings } = verifier({ answerTimeoutMs: 50, patienceMs: 1 });
    expect(await check(await first.sign("a"))).toBe("accepted");
    issuer.answer = away;
    for (const subject of ["b", "c", "d"]) {
      pass(7 * HOUR);
      expect(await check(await first.sign(subject))).toBe("accepted");
    }
    pass(3 * HOUR);
    expect(await check(await first.sign("e"))).toBe("unavailable");
    await vi.waitFor(() => expect(warnings).toHaveLength(1), { timeout: 10_000, interval: 1 });
  });

  test("tokens with unknown keys do not cause a fetch each time, and may be valid", async () => {
    const { check, pass } = verifier({ answerTimeoutMs: 50 });
    issuer.answer = away;
    for (let count = 0; count < 20; count += 1) {
      expect(await check(await second.sign(`${count}`))).toBe("unavailable");
    }
    expect(issuer.asked).toBe(1);
    issuer.answer = publishing(first, second);
    pass(SECOND);
    expect(await check(await second.sign("alice"))).toBe("accepted");
  });
});

test("pauses after failures grow to half a minute, and end with the first success", async () => {
  const { check, pass } = verifier();
  issuer.answer = failing;
  const token = await first.sign("alice");
  const askedAfter: number[] = [];
  for (const seconds of [0, 1, 2, 4, 8, 16, 30, 30]) {
    // A millisecond short of its end the pause still holds.
    if (seconds > 0) {
      pass(seconds * SECOND - 1);
      await check(token);
      pass(1);
    }
    await check(token);
    askedAfter.push(issuer.asked);
  }
  expect(askedAfter).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  issuer.answer = publishing(first);
  pass(30 * SECOND);
  expect(await check(token)).toBe("accepted");
});

test("a hanging issuer delays only the first caller with a known key", async () => {
  const { authenticate, check, pass } = verifier({ answerTimeoutMs: HOUR, patienceMs: 1 });
  await check(await first.sign("a"));
  issuer.answer = hanging;
  pass(10 * MINUTE);
  const token = await first.sign("a");
  expect(await check(token)).toBe("accepted");
  // What is known already is answered at once, with no promise to wait for.
  expect(authenticate(token)).toMatchObject({ subject: "a" });
  for (const subject of ["b", "c"]) expect(await check(await first.sign(subject))).toBe("accepted");
  expect(issuer.asked).toBe(2);
});

test("garbage tokens cause one fetch in ten seconds, which finds new keys", async () => {
  const { check, pass } = verifier();
  await check(await first.sign("a"));
  pass(9 * SECOND);
  for (let count = 0; count < 20; count += 1) {
    expect(await check(await second.sign("mallory", `key-${count}`))).toBe("token_signature_invalid");
  }
  expect(issuer.asked).toBe(1);
  issuer.answer = publishing(first, second);
  expect(await check(await second.sign("alice"))).toBe("token_signature_invalid");
  pass(SECOND);
  expect(await check(await second.sign("alice"))).toBe("accepted");
  for (let count = 0; count < 20; count += 1) await check(await second.sign("mallory", `key-${count}`));
  expect(issuer.asked).toBe(2);
});

test("calls that come together share one fetch", async () => {
  const { check } = verifier();
  const tokens = await Promise.all(["a", "b", "c", "d"].map((subject) => first.sign(subject)));
  expect(await Promise.all(tokens.map(check))).toEqual(Array(4).fill("accepted"));
  expect(issuer.asked).toBe(1);
});

test("an endless answer is dropped after a megabyte", async () => {
  const { check } = verifier();
  let sent = 0;
  issuer.answer = (response) => {
    const chunk = " ".repeat(65_536);
    const send = () => {
      while (!response.destroyed && sent < 400_000_000) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once("drain", send);
          return;
        }
      }
    };
    send();
  };
  expect(await check(await first.sign("a"))).toBe("unavailable");
  // What lies in buffers between was sent too.
  expect(sent).toBeLessThan(40_000_000);
});

test("a token that names no key is refused if several fit, and accepted if one does", async () => {
  const { check, pass } = verifier();
  expect(await check(await first.sign("a", ""))).toBe("accepted");
  issuer.answer = publishing(first, second);
  pass(MINUTE);
  expect(await check(await first.sign("a", ""))).toBe("token_key_ambiguous");
});
