import { errors, type JWTPayload, jwtVerify } from "jose";
import { KeysUnavailableError, PublishedKeys, type PublishedKeysOptions } from "./published-keys.ts";

/** A permission in a token. `finance.admin` implies the others. */
export type Scope = "finance.read" | "finance.write" | "finance.admin";

/** The caller, from their token. */
export interface Caller {
  /** The token's `sub`. */
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
}

/** Whether the caller has a scope, directly or through finance.admin. */
export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.has(scope) || caller.scopes.has("finance.admin");
}

/** The reason for a 401, sent as meta.reason. */
export type AuthenticationReason =
  | "token_missing"
  | "token_malformed"
  | "token_key_ambiguous"
  | "token_signature_invalid"
  | "token_algorithm_refused"
  | "token_expired"
  | "token_not_yet_valid"
  | "token_issuer_mismatch"
  | "token_audience_mismatch"
  | "token_claim_invalid";

/** The caller could not be identified: answer 401. */
export class AuthenticationError extends Error {
  readonly reason: AuthenticationReason;

  constructor(reason: AuthenticationReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AuthenticationError";
    this.reason = reason;
  }
}

/** The signer of tokens. */
export type TokenTrust =
  | {
      /** An HS256 key: its UTF-8 bytes, at least 32. */
      readonly secret: string;
    }
  | {
      /** The URL of the issuer's public keys. */
      readonly jwksUrl: string;
    };

/** How published keys are fetched. */
type FetchingOptions = Omit<PublishedKeysOptions, "url" | "onChange">;

export interface AuthenticatorOptions extends FetchingOptions {
  readonly trust: TokenTrust;
  /** Must equal the token's `iss`. Default: not checked. */
  readonly issuer?: string | undefined;
  /** Must be among the token's `aud`. Default: not checked. */
  readonly audience?: string | undefined;
}

/**
 * Identifies the caller by an Authorization header.
 *
 * @throws AuthenticationError with the reason; KeysUnavailableError when the token can't be verified now.
 */
export type Authenticate = (authorization: string | undefined) => Caller | Promise<Caller>;

// The configuration chooses the kind of key, never the token's header: a shared secret verifies HS256 only, published keys
// verify public-key algorithms only. So "none", and HS256 keyed with a public key, are refused before any verification.
const SECRET_ALGORITHMS = ["HS256"];
const JWKS_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

const CLOCK_TOLERANCE_SECONDS = 5;

/** Makes the function that identifies callers. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { trust, issuer, audience, now = Date.now, ...fetching } = options;
  const cache = new CallerCache({ sizeMax: 10_000, lifetimeMsMax: 60_000 });
  const published =
    "jwksUrl" in trust
      ? new PublishedKeys({ ...fetching, now, url: trust.jwksUrl, onChange: () => cache.clear() })
      : undefined;
  const secret = new TextEncoder().encode("secret" in trust ? trust.secret : "");
  const key = published?.find ?? (() => secret);
  const verification = {
    algorithms: published === undefined ? SECRET_ALGORITHMS : JWKS_ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ["sub", "exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  return (authorization) => {
    const credentials = cache.has(authorization) ? authorization : `${SCHEME}${bearerToken(authorization)}`;
    const refreshing = published?.keepFresh();
    if (refreshing !== undefined) return refreshing.then(() => callerOf(credentials));
    return callerOf(credentials);
  };

  function callerOf(credentials: string): Caller | Promise<Caller> {
    return cache.get(credentials, now()) ?? verify(credentials);
  }

  async function verify(credentials: string): Promise<Caller> {
    const token = credentials.slice(SCHEME.length);
    try {
      const keys = cache.generation;
      const { payload } = await jwtVerify(token, key, { ...verification, currentDate: new Date(now()) });
      requirePlainSignature(token);
      const caller = toCaller(payload);
      // If the keys have changed since, the token may have been verified with a withdrawn one.
      if (cache.generation === keys) cache.set(credentials, caller, (payload.exp ?? 0) * 1000, now());
      return caller;
    } catch (error) {
      throw toAuthenticationError(error);
    }
  }
}

const AUTHORIZATION = "authorization";

/** How callers are remembered: by the scheme in its usual spelling, and the token. Nearly every header is spelled so. */
const SCHEME = "Bearer ";

/**
 * The Authorization header of a request. With several, Node would take the first.
 *
 * @param rawHeaders names and values in turn, as they were sent.
 * @throws AuthenticationError when there is more than one.
 */
export function readAuthorization(rawHeaders: readonly string[]): string | undefined {
  let authorization: string | undefined;
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isAuthorization(rawHeaders[at] ?? "")) continue;
    authorization = rawHeaders[at + 1];
    count += 1;
  }
  if (count > 1) {
    const message = `the header authorization was sent ${count} times; send one, with one token`;
    throw new AuthenticationError("token_malformed", message);
  }
  return authorization;
}

function isAuthorization(name: string): boolean {
  return name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION;
}

// https://www.rfc-editor.org/rfc/rfc6750#section-2.1; the scheme is case-insensitive by RFC 9110 section 11.1.
function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === "") {
    throw new AuthenticationError("token_missing", "send the header authorization: Bearer TOKEN");
  }
  const match = /^bearer +([\w.~+/=-]+) *$/i.exec(authorization);
  if (match?.[1] === undefined) {
    throw new AuthenticationError("token_malformed", "the header authorization must be: Bearer TOKEN");
  }
  return match[1];
}

/** A signature has one spelling, without padding: https://www.rfc-editor.org/rfc/rfc7515#section-2 */
function requirePlainSignature(token: string): void {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  if (Buffer.from(signature, "base64url").toString("base64url") === signature) return;
  throw new AuthenticationError("token_malformed", "the token's signature must be base64url without padding");
}

function toCaller(payload: JWTPayload): Caller {
  const { sub, scope } = payload;
  if (typeof sub !== "string" || sub === "" || [...sub].length > 255 || sub.includes("\u0000")) {
    throw new AuthenticationError("token_claim_invalid", "the token's sub must be 1 to 255 characters");
  }
  // PostgreSQL and hashing would treat two such subjects as the same.
  if (!isWellFormed(sub)) {
    throw new AuthenticationError(
      "token_claim_invalid",
      "the token's sub must be well-formed Unicode: it has half a surrogate pair",
    );
  }
  if (scope !== undefined && typeof scope !== "string") {
    throw new AuthenticationError("token_claim_invalid", "the token's scope must be a space-separated string");
  }
  return { subject: sub, scopes: new Set((scope ?? "").split(" ").filter((part) => part !== "")) };
}

/** With the flag u, only an unpaired surrogate matches. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function toAuthenticationError(error: unknown): Error {
  if (error instanceof AuthenticationError || error instanceof KeysUnavailableError) return error;
  const cause = { cause: error };
  if (error instanceof errors.JWTExpired)
    return new AuthenticationError("token_expired", "the token has expired", cause);
  if (error instanceof errors.JWTClaimValidationFailed) return claimError(error);
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new AuthenticationError("token_algorithm_refused", "the token's algorithm is not accepted here", cause);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return new AuthenticationError("token_signature_invalid", "the token was not signed by a key trusted here", cause);
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    const message =
      "the token names no key, and several that the issuer publishes fit it: sign with a kid in its header";
    return new AuthenticationError("token_key_ambiguous", message, cause);
  }
  if (
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return new AuthenticationError("token_malformed", "the token is not a signed JWT", cause);
  }
  return new KeysUnavailableError(cause);
}

function claimError(error: errors.JWTClaimValidationFailed): AuthenticationError {
  const cause = { cause: error };
  switch (error.claim) {
    case "iss":
      return new AuthenticationError("token_issuer_mismatch", "the token's iss is not the expected issuer", cause);
    case "aud":
      return new AuthenticationError("token_audience_mismatch", "the token's aud does not name this service", cause);
    case "nbf":
      return new AuthenticationError("token_not_yet_valid", "the token is not valid yet", cause);
    default:
      return new AuthenticationError("token_claim_invalid", `the token's ${error.claim} is missing or invalid`, cause);
  }
}

interface Remembered {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** The bounds of a cache. */
export interface CallerCacheOptions {
  /** The largest number of tokens; the oldest is dropped first. */
  readonly sizeMax: number;
  /** Milliseconds until a token is verified again, so that withdrawn keys stop working. */
  readonly lifetimeMsMax: number;
}

/** Remembers the callers of verified tokens until they expire: verifying a signature costs more than a call. */
export class CallerCache {
  readonly #options: CallerCacheOptions;
  readonly #callers = new Map<string, Remembered>();
  #generation = 0;

  constructor(options: CallerCacheOptions) {
    this.#options = options;
  }

  /** Changes with every {@link clear}. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets every token: their signing keys may have been withdrawn. */
  clear(): void {
    this.#generation += 1;
    this.#callers.clear();
  }

  /** Whether these credentials were verified, perhaps too long ago. */
  has(credentials: string | undefined): credentials is string {
    return credentials !== undefined && this.#callers.has(credentials);
  }

  /** @returns undefined when the credentials must be verified. */
  get(credentials: string, nowMs: number): Caller | undefined {
    const remembered = this.#callers.get(credentials);
    if (remembered === undefined) return undefined;
    if (nowMs < remembered.untilMs) return remembered.caller;
    this.#callers.delete(credentials);
    return undefined;
  }

  set(credentials: string, caller: Caller, expiresAtMs: number, nowMs: number): void {
    const { sizeMax, lifetimeMsMax } = this.#options;
    if (this.#callers.size >= sizeMax) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    this.#callers.set(credentials, { caller, untilMs: Math.min(expiresAtMs, nowMs + lifetimeMsMax) });
  }
}
