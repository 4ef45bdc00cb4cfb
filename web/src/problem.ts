/** What can go wrong with a call, as the page tells it. */
export type Problem = Refusal | NoAnswer | Unreadable | NoSettings;

/** The service answered with an error. https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes */
export interface Refusal {
  readonly kind: "refusal";
  /** HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly msg: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Nothing came back that the page may read. The browser does not tell a page whether it was CORS or the network. */
export interface NoAnswer {
  readonly kind: "no-answer";
  readonly url: string;
}

/** Something answered that is not the service. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly url: string;
  /** HTTP status. */
  readonly status: number;
}

/** The server of this page does not say where the API is. */
export interface NoSettings {
  readonly kind: "no-settings";
}

/** A call that failed. */
export class CallError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.kind === "refusal" ? problem.msg : problem.kind);
    this.name = "CallError";
    this.problem = problem;
  }
}

/** The body of a Twirp error, or undefined when it is none. */
export function readRefusal(status: number, body: unknown): Refusal | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  if (!("code" in body && typeof body.code === "string")) return undefined;
  const msg = "msg" in body && typeof body.msg === "string" ? body.msg : body.code;
  const pairs = "meta" in body && typeof body.meta === "object" && body.meta !== null ? Object.entries(body.meta) : [];
  return {
    kind: "refusal",
    status,
    code: body.code,
    msg,
    meta: Object.fromEntries(pairs.map(([k, v]) => [k, `${v}`])),
  };
}
