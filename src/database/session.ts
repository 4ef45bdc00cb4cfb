/**
 * What a connection is told before it is used, directly and behind a pooler that lends server connections for a
 * transaction at a time (PgBouncer with `pool_mode = transaction`).
 *
 * Behind such a pooler a setting made at the start would stay with a server connection that others use next, a statement
 * prepared by name would be missing on the next one, and the process id that the pooler gave is not the server's. So
 * there limits are set within each transaction, nothing is prepared by name, and the server's process is asked for in
 * each transaction; time zone and date style stay, since PgBouncer carries them along for each client.
 */
import type { ClientBase } from "pg";

/** Limits in milliseconds, as PostgreSQL names them, and how statements are planned and see each other's work. */
export interface SessionSettings {
  readonly statement_timeout: number;
  readonly lock_timeout: number;
  readonly idle_in_transaction_session_timeout: number;
  readonly default_transaction_isolation: "read committed";
  readonly plan_cache_mode: "auto" | "force_generic_plan";
}

const FORMATS = "set timezone = 'UTC'; set datestyle = 'ISO, YMD'";

/** node-postgres keeps the server process that a connection speaks to, but its types do not say so. */
type ServedClient = ClientBase & { processID?: unknown };

const behindPooler = new WeakSet<ClientBase>();

/** Whether the connection's server changes from transaction to transaction. */
export function isBehindPooler(client: ClientBase): boolean {
  return behindPooler.has(client);
}

/** The process of the server that works for the connection now; undefined between transactions behind a pooler. */
export function serverProcessOf(client: ClientBase): number | undefined {
  const { processID } = client as ServedClient;
  return typeof processID === "number" ? processID : undefined;
}

/**
 * Prepares a new connection for use.
 *
 * @param pgbouncer whether a pooler is between; undefined: found out by whether the server's process is the one that
 * answered.
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
    // Not as start-up parameters: `options` in the URL would replace them.
    await client.query([FORMATS, ...assignments("set", settings)].join("; "));
  }
}

/** Whether no pooler is between: the server's process is then the one that answers. */
export async function isDirect(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid === serverProcessOf(client);
}

function assignments(command: "set" | "set local", settings: SessionSettings): string[] {
  return Object.entries(settings).map(([name, value]) => `${command} ${name} = '${value}'`);
}

/** What the last of several statements in one message answered. */
interface Answers {
  at(index: number): { readonly rows: readonly { readonly pid?: unknown }[] } | undefined;
}

function sendForPooler(client: ServedClient, settings: SessionSettings): void {
  const send: (...query: unknown[]) => unknown = client.query.bind(client);
  const limits = [...assignments("set local", settings), "select pg_backend_pid() as pid"].join("; ");
  const begin = async (text: string): Promise<unknown> => {
    // Several statements in one message have several answers.
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
  // The overloads of node-postgres's own query, whose arguments are passed on as they come.
  client.query = query as ClientBase["query"];
}

function withoutName(query: unknown): unknown {
  return typeof query === "object" && query !== null && "name" in query ? { ...query, name: undefined } : query;
}
