/**
 * The keys that an issuer publishes. Goals: a key that is withdrawn stops working within a minute; keys that are known go
 * on working while the issuer is away; nobody can make us ask the issuer without end.
 *
 * Method: the set is fetched when a token is checked and the set is older than half a minute, in the background. A set
 * older than a minute, as after a quiet time, is waited for, but for a second only, and not while fetching fails. A token
 * of an unknown key has the set fetched too, unless that was done seconds ago. After a failure nothing is fetched during a
 * pause, which doubles each time. A set that could not be fetched for a day is no longer used.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

/** The keys to check a token with could not be fetched: answer 503, the token may be good. */
export class KeysUnavailableError extends Error {
  constructor(options: ErrorOptions) {
    super("the signing keys can't be fetched", options);
    this.name = "KeysUnavailableError";
  }
}

/** Where it is reported that keys can't be fetched. */
export interface KeysLog {
  warn(details: object, message: string): void;
}

export interface PublishedKeysOptions {
  readonly url: string;
  /** Called after a fetch that changed the set: what was verified before may no longer be. */
  readonly onChange: () => void;
  /** Default nowhere. */
  readonly log?: KeysLog | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds until an answer must be complete. Default 5000. */
  readonly answerTimeoutMs?: number | undefined;
  /** Milliseconds for which a caller is kept waiting for a set that is too old. Default 1000. */
  readonly patienceMs?: number | undefined;
}

const REFRESH_AFTER_MS = 30_000;
const WAIT_AFTER_MS = 60_000;
const USABLE_MS_MAX = 24 * 60 * 60 * 1000;
/** Unknown keys are no reason to fetch again sooner. */
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
  /** Since the last success. */
  #failures = 0;
  /** Whether somebody has waited in vain for the fetch that is under way; nobody else does then. */
  #isSlow = false;
  #failedAtMs = 0;

  constructor(options: PublishedKeysOptions) {
    this.#url = options.url;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Keeps a set that is in use from growing old.
   *
   * @returns a promise to wait for before the set is used, if it is too old; it is never rejected.
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

  /** Of the set, unless there is none that may be used. After the clock was set back a set is as good as old. */
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

  /** Fetches the set, together with all who want it meanwhile. @returns undefined during the pause after a failure. */
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
    // What was published when we asked; it may have been withdrawn while the answer came.
    const find = hasChanged || this.#set === undefined ? createLocalJWKSet(parseKeySet(text)) : this.#set.find;
    this.#set = { text, find, fetchedAtMs: startedMs };
    this.#failures = 0;
    if (hasChanged) this.#options.onChange();
  }

  /** Once for each time that the issuer goes away. */
  #report(error: unknown): void {
    if (this.#failures > 1) return;
    const message = "the issuer's signing keys can't be fetched; those that are known stay valid for a day";
    this.#options.log?.warn({ err: error, url: this.#url }, message);
  }

  /** Waits for a fetch, but not for long. */
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
  // createLocalJWKSet refuses what is no key set.
  return JSON.parse(text) as JSONWebKeySet;
}

/** @throws when there is no answer of status 200 in time, or when it is too large to be a set of keys. */
async function download(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: "application/json, application/jwk-set+json" },
    // The address is configured; nobody else chooses where keys come from.
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
