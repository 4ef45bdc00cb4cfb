/** Answers preflights before Fastify makes a request and a reply of them, which would cost more than all the rest. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { decide, isRefused, readCorsRequest } from "./decide.ts";
import type { Policy } from "./policy.ts";

/** The answer to a preflight that the policy allows. It has no body. */
export interface PreflightAnswer {
  readonly status: number;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[];
}

/** Sends the answer at once and returns true, or returns false to let the preflight pass the hooks. It must not throw. */
export type AnswerEarly = (request: IncomingMessage, response: ServerResponse, answer: PreflightAnswer) => boolean;

/**
 * Offers allowed preflights to `answerEarly`; all other requests reach the listeners that the server has now.
 *
 * @returns a function that ends this.
 */
export function interceptPreflights(server: Server, policy: Policy, answerEarly: AnswerEarly): () => void {
  // Listeners for one request remain such.
  const listeners = server.rawListeners("request");
  const answerTo = rememberAnswers(policy);
  let intercepts = true;
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (intercepts && request.method === "OPTIONS") {
      const answer = answerTo(request);
      if (answer !== undefined && answerEarly(request, response, answer)) return;
    }
    for (const listener of listeners) listener.call(server, request, response);
  });
  return () => {
    intercepts = false;
  };
}

export const answerAtOnce: AnswerEarly = (_request, response, { status, headers }) => {
  // Node's type wants an array that it may change.
  response.writeHead(status, [...headers]).end();
  return true;
};

/** Pages send few different preflights. A stranger can invent any number, so only some are remembered. */
const REMEMBERED_MAX = 256;
const REMEMBERED_LENGTH_MAX = 512;

/** @returns the answer to an allowed preflight; undefined for every other request. */
function rememberAnswers(policy: Policy): (request: IncomingMessage) => PreflightAnswer | undefined {
  const remembered = new Map<string, PreflightAnswer>();
  return (request) => {
    const { headers } = request;
    // No browser sends a body.
    if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") return undefined;
    const asked = readCorsRequest(request);
    const { origin, requestMethod, requestHeaders, requestPrivateNetwork } = asked;
    if (origin === undefined || requestMethod === undefined) return undefined;
    // A header holds no line break, so different preflights have different keys.
    const key = `${origin}\n${requestMethod}\n${requestHeaders ?? "\n"}\n${requestPrivateNetwork ?? "\n"}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const decision = decide(policy, asked);
    if (isRefused(decision)) return undefined;
    const lines = Object.entries(decision.headers).flat();
    if (decision.status !== 204) lines.push("content-length", "0");
    const answer = { status: decision.status, headers: lines };
    if (key.length <= REMEMBERED_LENGTH_MAX) {
      if (remembered.size === REMEMBERED_MAX) remembered.clear();
      remembered.set(key, answer);
    }
    return answer;
  };
}
