import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Authenticate,
  AuthenticationError,
  createAuthenticator,
  hasScope,
  KeysUnavailableError,
  mintToken,
  readAuthorization,
} from "../../src/auth/index.ts";

const secret = "0123456789abcdef0123456789abcdef";
const claims = { subject: "alice", scope: "finance.read finance.write", lifetimeSeconds: 60 };

async function reasonOf(authenticate: Authenticate, authorization: string | undefined): Promise<string> {
  try {
    const { subject } = await authenticate(authorization);
    return `accepted ${subject}`;
  } catch (error) {
    if (error instanceof AuthenticationError) return error.reason;
    throw error;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

describe("with a shared secret", () => {
  const authenticate = createAuthenticator({ trust: { secret }, issuer: "https://issuer.test", audience: "finance" });
  const good = { ...claims, issuer: "https://issuer.test", audience: "finance" };
  const nowSeconds = Math.floor(Date.now() / 1000);

  /** Signs by hand what no careful library would. */
  function forge(header: object, payload: object, key = secret): string {
    const signed = `${encode(header)}.${encode(payload)}`;
    return `Bearer ${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  }
  /** The same with a payload of Latin-1 bytes. */
  function forgeBytes(payload: string): string {
    const signed = `${encode(hs256)}.${Buffer.from(payload, "latin1").toString("base64url")}`;
    return `Bearer ${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }
  /** With another last character that decodes to the same bytes. */
  function respelt(token: string): string {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.at(-1) ?? "") + 1]}`;
  }
  const hs256 = { alg: "HS256" };
  const payload = { sub: "alice", iss: "https://issuer.test", aud: "finance", exp: nowSeconds + 60 };
  const ownKey = { kty: "oct", k: Buffer.from("k".repeat(32)).toString("base64url") };

  test("accepts a valid token and reads its caller", async () => {
    const caller = await authenticate(`Bearer ${await mintToken(secret, good)}`);
    expect(caller.subject).toBe("alice");
    expect([hasScope(caller, "finance.read"), hasScope(caller, "finance.admin")]).toEqual([true, false]);
  });

  test("takes finance.admin for every scope", async () => {
    const caller = await authenticate(`Bearer ${await mintToken(secret, { ...good, scope: "finance.admin" })}`);
    expect([hasScope(caller, "finance.read"), hasScope(caller, "finance.write")]).toEqual([true, true]);
  });

  test.each<[what: string, authorization: string | undefined, reason: string]>([
    ["no header", undefined, "token_missing"],
    ["an empty header", "", "token_missing"],
    ["another scheme", "Basic YWxpY2U6cGFzcw==", "token_malformed"],
    ["a scheme without a token", "Bearer ", "token_malformed"],
    ["two tokens", "Bearer a b", "token_malformed"],
    ["what is no JWT", "Bearer abc", "token_malformed"],
    ["parts that are not JSON", "Bearer YQ.YQ.YQ", "token_malformed"],
    ["the hand-made token of these tests", forge(hs256, payload), "accepted alice"],
    ["a scheme in another case", forge(hs256, payload).replace("Bearer", "bEARER"), "accepted alice"],
    ["another key", forge(hs256, payload, "another key of at least 32 bytes!"), "token_signature_invalid"],
    [
      "alg none without a signature",
      `Bearer ${encode({ alg: "none" })}.${encode(payload)}.`,
      "token_algorithm_refused",
    ],
    ["alg none with a signature", forge({ alg: "none" }, payload), "token_algorithm_refused"],
    ["alg nOnE", forge({ alg: "nOnE" }, payload), "token_algorithm_refused"],
    ["HS512 where HS256 is agreed", forge({ alg: "HS512" }, payload), "token_algorithm_refused"],
    ["RS256 where HS256 is agreed", forge({ alg: "RS256" }, payload), "token_algorithm_refused"],
    ["no alg", forge({}, payload), "token_malformed"],
    [
      "a key of its own in the header",
      forge({ alg: "HS256", jwk: ownKey }, payload, "k".repeat(32)),
      "token_signature_invalid",
    ],
    ["a signature cut off", forge(hs256, payload).replace(/[^.]*$/, ""), "token_signature_invalid"],
    [
      "other claims under a good signature",
      forge(hs256, payload).replace(/\.[^.]*\./, `.${encode({ ...payload, sub: "root" })}.`),
      "token_signature_invalid",
    ],
    ["a subject that is a list", forge(hs256, { ...payload, sub: ["alice"] }), "token_claim_invalid"],
    [
      "12 kB of claims signed by nobody",
      forge(hs256, { ...payload, x: "x".repeat(12_000) }, "k".repeat(32)),
      "token_signature_invalid",
    ],
    ["a critical header nobody knows", forge({ alg: "HS256", crit: ["x"], x: 1 }, payload), "token_malformed"],
    ["a past expiry", forge(hs256, { ...payload, exp: nowSeconds - 6 }), "token_expired"],
    ["no expiry", forge(hs256, { ...payload, exp: undefined }), "token_claim_invalid"],
    ["an expiry that is text", forge(hs256, { ...payload, exp: "tomorrow" }), "token_claim_invalid"],
    ["a start in the future", forge(hs256, { ...payload, nbf: nowSeconds + 60 }), "token_not_yet_valid"],
    ["another issuer", forge(hs256, { ...payload, iss: "https://evil.test" }), "token_issuer_mismatch"],
    ["no issuer", forge(hs256, { ...payload, iss: undefined }), "token_issuer_mismatch"],
    ["another audience", forge(hs256, { ...payload, aud: ["payroll"] }), "token_audience_mismatch"],
    ["one audience of several", forge(hs256, { ...payload, aud: ["payroll", "finance"] }), "accepted alice"],
    ["no subject", forge(hs256, { ...payload, sub: undefined }), "token_claim_invalid"],
    ["an empty subject", forge(hs256, { ...payload, sub: "" }), "token_claim_invalid"],
    ["a subject of 256 characters", forge(hs256, { ...payload, sub: "s".repeat(256) }), "token_claim_invalid"],
    ["half a surrogate pair in the subject", forge(hs256, { ...payload, sub: "q\ud801" }), "token_claim_invalid"],
    ["a whole surrogate pair in the subject", forge(hs256, { ...payload, sub: "🪙" }), "accepted 🪙"],
    [
      "a subject that is no UTF-8",
      forgeBytes(JSON.stringify({ ...payload, sub: "~" }).replace("~", "\xff")),
      "token_malformed",
    ],
    ["a signature with padding", `${forge(hs256, payload)}=`, "token_malformed"],
    ["a signature whose last bits are not zero", respelt(forge(hs256, payload)), "token_malformed"],
    ["a subject that is a number", forge(hs256, { ...payload, sub: 7 }), "token_claim_invalid"],
    ["a scope that is a list", forge(hs256, { ...payload, scope: ["finance.admin"] }), "token_claim_invalid"],
  ])("%s", async (_, authorization, reason) => {
    expect(await reasonOf(authenticate, authorization)).toBe(reason);
  });

  test("uses the UTF-8 bytes of the secret unchanged", async () => {
    const key = "ключ-ключ-ключ-ключ";
    const payload = { sub: "alice", exp: nowSeconds + 60 };
    const lenient = createAuthenticator({ trust: { secret: key } });
    expect(await reasonOf(lenient, forge(hs256, payload, key))).toBe("accepted alice");
  });
});

test.each<[what: string, rawHeaders: string[], found: string]>([
  ["none", ["Host", "a"], "undefined"],
  ["one", ["Host", "authorization", "AUTHORIZATION", "Bearer a"], "Bearer a"],
  ["two", ["Authorization", "Bearer a", "x", "y", "authorization", "Bearer b"], "sent 2 times"],
  ["the same twice", ["authorization", "Bearer a", "authorization", "Bearer a"], "sent 2 times"],
])("refuses several Authorization headers: %s", (_, rawHeaders, found) => {
  let outcome: string;
  try {
    outcome = `${readAuthorization(rawHeaders)}`;
  } catch (error) {
    outcome = error instanceof AuthenticationError ? `${error.reason}: ${error.message}` : `${error}`;
  }
  expect(outcome).toContain(found);
});

describe("with published keys", () => {
  let server: Server;
  let jwksUrl: string;
  let sign: (kid?: string) => Promise<string>;
  let signClaims: (claims: JWTPayload) => Promise<string>;
  let publicKeyPem: string;
  /** What the server that publishes the keys was asked for. */
  const asked: (string | undefined)[] = [];

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    publicKeyPem = await exportSPKI(publicKey);
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one" }] });
    server = createServer((request, response) => {
      asked.push(request.url);
      response.setHeader("content-type", "application/json").end(keys);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    sign = async (kid = "one") =>
      `Bearer ${await new SignJWT({ scope: "finance.read" })
        .setProtectedHeader({ alg: "RS256", kid })
        .setSubject("alice")
        .setExpirationTime("1m")
        .sign(privateKey)}`;
    signClaims = async (payload) =>
      `Bearer ${await new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(privateKey)}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test("accepts what the issuer signed", async () => {
    expect(await reasonOf(createAuthenticator({ trust: { jwksUrl } }), await sign())).toBe("accepted alice");
  });

  test("refuses a key that is not published", async () => {
    expect(await reasonOf(createAuthenticator({ trust: { jwksUrl } }), await sign("two"))).toBe(
      "token_signature_invalid",
    );
  });

  test("refuses HS256 signed with the public key as if it were a secret", async () => {
    const token = await mintToken(publicKeyPem, claims);
    expect(await reasonOf(createAuthenticator({ trust: { jwksUrl } }), `Bearer ${token}`)).toBe(
      "token_algorithm_refused",
    );
  });

  test("refuses a token without a signature", async () => {
    const token = `Bearer ${encode({ alg: "none", kid: "one" })}.${encode({ sub: "alice", exp: 9_999_999_999 })}.`;
    expect(await reasonOf(createAuthenticator({ trust: { jwksUrl } }), token)).toBe("token_algorithm_refused");
  });

  test("ignores keys that the token brings or points to, and fetches none of them", async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    const before = asked.length;
    const jwk = { ...(await exportJWK(publicKey)), kid: "one" };
    const jku = jwksUrl.replace("jwks.json", "attacker.json");
    const token = await new SignJWT({ scope: "finance.admin" })
      .setProtectedHeader({ alg: "RS256", kid: "one", jwk, jku })
      .setSubject("alice")
      .setExpirationTime("1m")
      .sign(privateKey);
    const authenticate = createAuthenticator({ trust: { jwksUrl } });
    expect(await reasonOf(authenticate, `Bearer ${token}`)).toBe("token_signature_invalid");
    expect(asked.slice(before)).toEqual(["/jwks.json"]);
  });

  const lasting = { sub: "alice", iss: "https://issuer.test", aud: "finance", exp: 9_999_999_999 };
  test.each<[what: string, claims: JWTPayload, reason: string]>([
    ["good claims", lasting, "accepted alice"],
    ["a past expiry", { ...lasting, exp: 1_000_000_000 }, "token_expired"],
    ["no expiry", { sub: "alice", iss: "https://issuer.test", aud: "finance" }, "token_claim_invalid"],
    ["a start in the future", { ...lasting, nbf: 9_999_999_998 }, "token_not_yet_valid"],
    ["another issuer", { ...lasting, iss: "https://evil.test" }, "token_issuer_mismatch"],
    ["another audience", { ...lasting, aud: "payroll" }, "token_audience_mismatch"],
  ])("checks the claims of the issuer's own tokens: %s", async (_, payload, reason) => {
    const options = { trust: { jwksUrl }, issuer: "https://issuer.test", audience: "finance" };
    expect(await reasonOf(createAuthenticator(options), await signClaims(payload))).toBe(reason);
  });

  test("says that the keys are unavailable when nobody answers, because the token may be valid", async () => {
    const authenticate = createAuthenticator({ trust: { jwksUrl: "http://127.0.0.1:1/jwks.json" } });
    await expect(async () => await authenticate(await sign())).rejects.toBeInstanceOf(KeysUnavailableError);
  });
});
