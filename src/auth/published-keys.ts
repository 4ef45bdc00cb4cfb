/**
 * The keys that an issuer publishes. Goals: a withdrawn key stops working within a minute; known keys keep working while
 * the issuer is away; callers can't make us send endless requests to the issuer.
 *
 * Method: when a token is verified and the key set is older than half a minute, it is fetched in the background. If it is
 * older than a minute, as after a quiet time, the caller waits for the new set, but only for a second and not while fetching
 * fails. A token with an unknown key also causes a fetch, unless the last one was seconds ago. After a failure nothing is
 * fetched during a pause, which doubles each time. After a day without a successful fetch, the set is no longer used.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

/** The keys could not be fetched: answer 503, because the token may be valid. */
export class KeysUnavailableError extends Error {
  constructor(options: ErrorOptions) {
    super("the signing keys can't be fetched", options);
    this.name = "KeysUnavailableError";
  }
}

/** The log for failures to fetch keys. */
export interface KeysLog {
  warn(details: object, message: string): void;
}

export interface PublishedKeysOptions {
  readonly url: string;
  /** Called after the set has changed: tokens that were verified before may no longer be valid. */
  readonly onChange: () => void;
  /** Default: none. */
  readonly log?: KeysLog | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds until the answer must be complete. Default 5000. */
  readonly answerTimeoutMs?: number | undefined;
  /** Milliseconds that a caller waits for a new set. Default 1000. */
  readonly patienceMs?: number | undefined;
}

const REFRESH_AFTER_MS = 30_000;
const WAIT_AFTER_MS = 60_000;
const USABLE_MS_MAX = 24 * 60 * 60 * 1000;
/** An unknown key causes no fetch sooner. */
const COOLDOWN_MS = 10_000;
const FAILURE_PAUSE_MS = 1000;
const FAILURE_PAUSE_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 1_048_576;

interface KeySet {
  /** As it was published. */
  readonly text: string;
  readonly find: JWTVerifyGetKey;
  readonly fetchedAtMs: number;
}

export class PublishedKeys {
  readonly #url: string;
  readonly #options: PublishedKeysOptions;
  readonly #now: () => number;
  #set: KeySet | undefined;
  #fetching: Promise<void> | undefined;
  /** Failures since the last success. */
  #failures = 0;
  /** Whether a caller has already waited in vain for the current fetch; then no other caller waits. */
  #isSlow = false;
  #failedAtMs = 0;

  constructor(options: PublishedKeysOptions) {
    this.#url = options.url;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Refreshes the set while it is in use.
   *
   * @returns a promise to wait for if the set is too old; it is never rejected.
   */
  keepFresh(): Promise<void> | undefined {
    const ageMs = this.#ageMs();
    if (ageMs === undefined || ageMs < REFRESH_AFTER_MS) return undefined;
    const fetching = this.#fetch();
    // The current set stays in use; #report logs the failure.
    fetching?.catch(() => undefined);
    if (fetching === undefined || ageMs < WAIT_AFTER_MS || this.#failures > 0 || this.#isSlow) {
      return undefined;
    }
    return this.#waitFor(fetching);
  }

  /** Finds the key for a token. It throws jose's errors, and KeysUnavailableError. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const ageMs = this.#ageMs();
    const known = ageMs === undefined ? await this.#fetchOrThrow() : this.#set;
    try {
      return await findIn(known, header, token);
    } catch (error) {
      const isNew = ageMs === undefined || ageMs < COOLDOWN_MS;
      if (!(error instanceof errors.JWKSNoMatchingKey) || isNew) throw error;
      return await findIn(await this.#fetchOrThrow(), header, token);
    }
  };

  /** The age of the set; undefined if none may be used. After the clock was set back, a set counts as old. */
  #ageMs(): number | undefined {
    if (this.#set === undefined) return undefined;
    const ageMs = this.#now() - this.#set.fetchedAtMs;
    if (ageMs < 0) return WAIT_AFTER_MS;
    return ageMs < USABLE_MS_MAX ? ageMs : undefined;
  }

  async #fetchOrThrow(): Promise<KeySet | undefined> {
    const fetching = this.#fetch();
    if (fetching === undefined) throw new KeysUnavailableError({ cause: new Error("fetching failed a moment ago") });
    await fetching;
    return this.#set;
  }

  /** Fetches the set; callers share a fetch. @returns undefined during the pause after a failure. */
  #fetch(): Promise<void> | undefined {
    if (this.#fetching !== undefined) return this.#fetching;
    const pauseMs = Math.min(FAILURE_PAUSE_MS * 2 ** (this.#failures - 1), FAILURE_PAUSE_MS_MAX);
    const sinceMs = this.#now() - this.#failedAtMs;
    if (this.#failures > 0 && sinceMs >= 0 && sinceMs < pauseMs) return undefined;
    const startedMs = this.#now();
    this.#fetching = this.#fetchSet(startedMs)
      .catch((error: unknown) => {
        this.#failures += 1;
        this.#failedAtMs = this.#now();
        this.#report(error);
        throw new KeysUnavailableError({ cause: error });
      })
      .finally(() => {
        this.#isSlow = false;
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #fetchSet(startedMs: number): Promise<void> {
    const text = await download(this.#url, this.#options.answerTimeoutMs ?? 5000);
    const hasChanged = text !== this.#set?.text;
    // The set's age counts from the request: a key may have been withdrawn while the answer was on its way.
    const find = hasChanged || this.#set === undefined ? createLocalJWKSet(parseKeySet(text)) : this.#set.find;
    this.#set = { text, find, fetchedAtMs: startedMs };
    this.#failures = 0;
    if (hasChanged) this.#options.onChange();
  }

  /** Logs the first of several failures. */
  #report(error: unknown): void {
    if (this.#failures > 1) return;
    const message = "the issuer's signing keys can't be fetched; known keys stay valid for a day";
    this.#options.log?.warn({ err: error, url: this.#url }, message);
  }

  /** Waits for a fetch, up to the patience. */
  async #waitFor(fetching: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#isSlow = true;
        resolve();
      }, this.#options.patienceMs ?? 1000);
    });
    await Promise.race([fetching.catch(() => undefined), patience]);
    clearTimeout(timer);
  }
}

async function findIn(set: KeySet | undefined, ...[header, token]: Parameters<JWTVerifyGetKey>) {
  if (set === undefined) throw new KeysUnavailableError({});
  return await set.find(header, token);
}

function parseKeySet(text: string): JSONWebKeySet {
  // createLocalJWKSet refuses anything that is not a key set.
  return JSON.parse(text) as JSONWebKeySet;
}

/** @throws unless an answer with status 200 and a reasonable size comes in time. */
async function download(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: "application/json, application/jwk-set+json" },
    // Only the configured address may supply keys.
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the issuer answered ${response.status}, not 200`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early ends the download.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new Error(`the issuer's answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
