/** Finds, among the hosts and ways of a connection target, one that works. */
import pg from "pg";
import type { ConnectionTarget, HostAddress } from "./connection.ts";
import { errorCode } from "./connection-errors.ts";
import type { TlsOptions } from "./connection-tls.ts";

/** One host with or without TLS: what a single attempt goes to. */
export interface Endpoint extends HostAddress {
  readonly ssl: TlsOptions | false;
}

/** A server that answers but takes no writes; its code is PostgreSQL's own for a write refused. */
class ReadOnlyServerError extends Error {
  override readonly name = "ReadOnlyServerError";
  readonly code = "25006";
}

export interface ConnectOptions {
  readonly applicationName: string;
  /** For each attempt, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5000;

/** A connection, and by which way it came about. */
export interface Connection {
  readonly client: pg.Client;
  readonly endpoint: Endpoint;
}

/**
 * Connects to the first host of `target` that answers, and takes writes where the target asks for that.
 *
 * @throws the last error; when a server refuses the user or the password, the hosts after it are not asked, as in libpq.
 */
export async function connectTo(target: ConnectionTarget, options: ConnectOptions): Promise<Connection> {
  let failure: unknown;
  for (const { host, port } of target.hosts) {
    for (const endpoint of waysTo(target, { host, port })) {
      try {
        return { client: await openClient(target, endpoint, options), endpoint };
      } catch (error) {
        failure = error;
        // Nobody is there to be asked in another way.
        if (!isAnswer(error)) break;
      }
    }
    if (errorCode(failure)?.startsWith("28")) break;
  }
  throw failure;
}

/** The ways to one host in the order of its TLS mode; a unix socket needs no TLS. */
export function waysTo(target: ConnectionTarget, address: HostAddress): Endpoint[] {
  const plain: Endpoint = { ...address, ssl: false };
  const encrypted: Endpoint = { ...address, ssl: target.tls };
  if (address.host.startsWith("/") || target.tlsMode === "disable") return [plain];
  if (target.tlsMode === "prefer") return [encrypted, plain];
  if (target.tlsMode === "allow") return [plain, encrypted];
  return [encrypted];
}

/** What node-postgres needs to connect to an endpoint. */
export function clientConfig(target: ConnectionTarget, { host, port, ssl }: Endpoint): pg.ClientConfig {
  return {
    host,
    port,
    ssl,
    user: target.user,
    password: target.password,
    database: target.database,
    options: target.options,
    enableChannelBinding: target.channelBinding,
    ...(ssl !== false && { sslnegotiation: target.sslNegotiation }),
  };
}

async function openClient(target: ConnectionTarget, endpoint: Endpoint, options: ConnectOptions): Promise<pg.Client> {
  const connectTimeoutMs = target.connectTimeoutMs ?? options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const client = new pg.Client({
    ...clientConfig(target, endpoint),
    application_name: target.applicationName ?? options.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  });
  // Whatever is asked of a lost connection fails with the same error.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await requireWritable(target, client, connectTimeoutMs);
    return client;
  } catch (error) {
    // Not awaited: a server that stalls answers no goodbye either.
    client.end().catch(() => undefined);
    throw error;
  }
}

/** @throws ReadOnlyServerError when the target must take writes and the server does not. */
export async function requireWritable(
  { mustWrite }: ConnectionTarget,
  client: pg.ClientBase,
  answerTimeoutMs: number,
): Promise<void> {
  // node-postgres takes a limit for one query, which its types leave out.
  const question = { text: "show transaction_read_only", query_timeout: answerTimeoutMs };
  const { rows } = await client.query<{ transaction_read_only: string }>(question);
  if (mustWrite && rows[0]?.transaction_read_only !== "off")
    throw new ReadOnlyServerError("the server takes no writes");
}

/** Whether a server was there that wanted something else: TLS, no TLS, another user. */
function isAnswer(error: unknown): boolean {
  const code = errorCode(error) ?? "";
  if (code.startsWith("28")) return true;
  if (code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || /CERT|LEAF_SIGNATURE/.test(code)) return true;
  return error instanceof Error && /SSL/.test(error.message);
}
