import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { vi } from "vitest";
import { mintToken } from "../../src/auth/index.ts";

/** A call without an answer after so long has failed. */
const ANSWER_MS = 12_000;

export interface TrafficOptions {
  /** Where the API listens; asked anew for each call. */
  readonly url: string;
  readonly secret: string;
  /** Accounts that exist and hold enough for every transfer. */
  readonly accounts: readonly string[];
  /** Each has one connection, which it keeps. */
  readonly clients: number;
  /** Whether a call is repeated with its key until it is decided. Default: each is made once. */
  readonly repeat?: boolean;
}

/** Clients that transfer money without a pause. */
export interface Traffic {
  /** Keys of the transfers that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** Of calls without an answer, or with another status than 200: what came instead. */
  readonly failures: readonly string[];
  /** Resolves once every client was answered this many times more. */
  progress(calls: number): Promise<void>;
  /** Resolves when the last calls were answered. */
  stop(): Promise<void>;
}

/** Starts clients whose transfers go around in a circle, each of 1, so that balances say how many were posted. */
export async function startTraffic(options: TrafficOptions): Promise<Traffic> {
  const { secret, accounts, clients, repeat = false } = options;
  const token = await mintToken(secret, { subject: "root", scope: "finance.admin", lifetimeSeconds: 3600 });
  const acknowledged = new Set<string>();
  const failures: string[] = [];
  const answered = Array.from({ length: clients }, () => 0);
  let running = true;

  const run = async (client: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; running; count += 1) {
      const key = `traffic-${client}-${count}`;
      const from = (client + count) % accounts.length;
      const transfer = {
        debit_account_id: accounts[from],
        credit_account_id: accounts[(from + 1) % accounts.length],
        amount: 1,
        idempotency_key: key,
      };
      for (;;) {
        const outcome = await post(options.url, token, transfer, agent);
        if (outcome === "200") {
          acknowledged.add(key);
          answered[client] = (answered[client] ?? 0) + 1;
          break;
        }
        failures.push(outcome);
        if (!repeat || !running) break;
      }
    }
    agent.destroy();
  };
  const all = Array.from({ length: clients }, (_, client) => run(client));
  return {
    acknowledged,
    failures,
    progress: async (calls) => {
      const goals = answered.map((count) => count + calls);
      await vi.waitUntil(() => answered.every((count, client) => count >= (goals[client] ?? 0)), {
        timeout: 60_000,
        interval: 10,
      });
    },
    stop: async () => {
      running = false;
      await Promise.all(all);
    },
  };
}

/** "200", or what came instead. */
async function post(base: string, token: string, body: object, agent: Agent): Promise<string> {
  const call = httpRequest(`${base}/twirp/finance.v1.FinanceService/CreateTransfer`, {
    method: "POST",
    agent,
    // A connection that was being handed to a process when that was killed is never answered.
    signal: AbortSignal.timeout(ANSWER_MS),
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  });
  try {
    call.end(JSON.stringify(body));
    const [response] = await once(call, "response");
    const answer = await text(response);
    return response.statusCode === 200 ? "200" : `${response.statusCode} ${answer}`;
  } catch (error) {
    return String(error);
  }
}
