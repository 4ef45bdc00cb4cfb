/**
 * Prepares connections for use, also behind a pooler that assigns a server connection to each transaction (PgBouncer with
 * `pool_mode = transaction`).
 *
 * Behind such a pooler a setting would stay with a server connection that other clients use next, a statement prepared by
 * name would be missing on the next one, and the process id that the pooler gives is not the server's. So each transaction
 * sets the limits and asks for the server's process, and no statement has a name. Time zone and date style can be set once,
 * because PgBouncer tracks them for each client.
 */
import type { ClientBase } from "pg";

/** Settings of PostgreSQL, under its own names; limits are in milliseconds. */
export interface SessionSettings {
  readonly statement_timeout: number;
  readonly lock_timeout: number;
  readonly idle_in_transaction_session_timeout: number;
  readonly default_transaction_isolation: "read committed";
  readonly plan_cache_mode: "auto" | "force_generic_plan";
  readonly enable_seqscan: "on" | "off";
  /** Default: that of the server. */
  readonly jit?: "off";
}

const FORMATS = "set timezone = 'UTC'; set datestyle = 'ISO, YMD'";

/** node-postgres has the id of a connection's server process, but its types lack it. */
type ServedClient = ClientBase & { processID?: unknown };

const behindPooler = new WeakSet<ClientBase>();

/** Whether each transaction of the connection may run in another server process. */
export function isBehindPooler(client: ClientBase): boolean {
  return behindPooler.has(client);
}

/** The server process of the connection; undefined behind a pooler, between transactions. */
export function serverProcessOf(client: ClientBase): number | undefined {
  const { processID } = client as ServedClient;
  return typeof processID === "number" ? processID : undefined;
}

/**
 * Prepares a new connection for use.
 *
 * @param pgbouncer whether there is a pooler in between; undefined: detect it.
 */
export async function prepareSession(
  client: ClientBase,
  settings: SessionSettings,
  pgbouncer: boolean | undefined,
): Promise<void> {
  if (pgbouncer ?? !(await isDirect(client))) {
    behindPooler.add(client);
    await client.query(FORMATS);
    sendForPooler(client, settings);
  } else {
    // Not as start-up parameters, because `options` in the URL would replace them.
    await client.query([FORMATS, ...assignments("set", settings)].join("; "));
  }
}

/** Whether there is no pooler in between: then the process that answers is the one that the connection names. */
export async function isDirect(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid === serverProcessOf(client);
}

function assignments(command: "set" | "set local", settings: SessionSettings): string[] {
  return Object.entries(settings).map(([name, value]) => `${command} ${name} = '${value}'`);
}

/** The results of several statements in one message. */
interface Answers {
  at(index: number): { readonly rows: readonly { readonly pid?: unknown }[] } | undefined;
}

function sendForPooler(client: ServedClient, settings: SessionSettings): void {
  const send: (...query: unknown[]) => unknown = client.query.bind(client);
  const limits = [...assignments("set local", settings), "select pg_backend_pid() as pid"].join("; ");
  const begin = async (text: string): Promise<unknown> => {
    // node-postgres then returns an array, which its types lack.
    const answers = (await send(`${text}; ${limits}`)) as Answers;
    client.processID = answers.at(-1)?.rows[0]?.pid;
    return answers;
  };
  const query = (first: unknown, ...rest: unknown[]): unknown => {
    if (typeof first === "string") {
      const [verb] = first.split(" ", 1);
      if (verb === "begin" || verb === "commit" || verb === "rollback") client.processID = undefined;
      return verb === "begin" ? begin(first) : send(first, ...rest);
    }
    return send(withoutName(first), ...rest);
  };
  client.processID = undefined;
  // It passes its arguments on, so it has the overloads of node-postgres's own query.
  client.query = query as ClientBase["query"];
}

function withoutName(query: unknown): unknown {
  return typeof query === "object" && query !== null && "name" in query ? { ...query, name: undefined } : query;
}
