import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { vi } from "vitest";
import { mintToken } from "../../src/auth/index.ts";

/** Milliseconds after which a call without an answer has failed. */
const ANSWER_MS = 12_000;

export interface TrafficOptions {
  /** The API's URL, read again for each call. */
  readonly url: string;
  readonly secret: string;
  /** Existing accounts with funds for every transfer. */
  readonly accounts: readonly string[];
  /** The number of clients; each keeps one connection. */
  readonly clients: number;
  /** Whether to repeat a call with its key until it is decided. Default: false. */
  readonly repeat?: boolean;
  /** Whether the keys are in the header Idempotency-Key. Default: false, in the body. */
  readonly keyInHeader?: boolean;
}

/** Clients that transfer money without a pause. */
export interface Traffic {
  /** Keys of the transfers that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** The outcomes of calls without an answer or with a status other than 200. */
  readonly failures: readonly string[];
  /** Resolves once every client has this many more answers. */
  progress(calls: number): Promise<void>;
  /** Stops the clients; resolves once their last calls are answered. */
  stop(): Promise<void>;
}

/** Starts clients whose transfers of 1 go around in a circle, so that balances show how many were posted. */
export async function startTraffic(options: TrafficOptions): Promise<Traffic> {
  const { secret, accounts, clients, repeat = false, keyInHeader = false } = options;
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
        ...(!keyInHeader && { idempotency_key: key }),
      };
      const headers = { authorization: `Bearer ${token}`, ...(keyInHeader && { "idempotency-key": key }) };
      for (;;) {
        const outcome = await post(options.url, headers, transfer, agent);
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

/** "200", or the other outcome. */
async function post(base: string, headers: Record<string, string>, body: object, agent: Agent): Promise<string> {
  const call = httpRequest(`${base}/twirp/finance.v1.FinanceService/CreateTransfer`, {
    method: "POST",
    agent,
    // A connection that is being passed to a process when the process is killed never gets an answer.
    signal: AbortSignal.timeout(ANSWER_MS),
    headers: { "content-type": "application/json", ...headers },
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
