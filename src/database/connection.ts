/**
 * Reads a PostgreSQL URL as libpq does, and connects to the first of its hosts that works.
 *
 * node-postgres reads URLs with pg-connection-string, which treats TLS as libpq does, but knows one host only and reports no
 * mistakes.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { parse } from "pg-connection-string";
import { describeReadFailure } from "../start-error.ts";
import { errorCode, isCertificateCode } from "./connection-errors.ts";

/** One address of the database: a host name, an IP address, or the directory of a unix socket. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a URL leads and how to connect. */
export interface ConnectionTarget {
  /** Tried in this order; at least one. */
  readonly hosts: readonly HostAddress[];
  /** If undefined, node-postgres reads PGUSER, PGPASSWORD and PGDATABASE. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Whether TLS is used, and what is verified. https://www.postgresql.org/docs/current/libpq-ssl.html */
  readonly tlsMode: string;
  /** Empty if the mode is `disable`. */
  readonly tls: ConnectionOptions;
  readonly sslNegotiation: "postgres" | "direct";
  /** Whether to skip servers that refuse writes: `target_session_attrs=read-write` or `primary`. */
  readonly mustWrite: boolean;
  /** Whether a pooler assigns a server connection to each transaction; undefined: detect it. */
  readonly pgbouncer: boolean | undefined;
  readonly applicationName: string | undefined;
  readonly options: string | undefined;
  /** Whether to bind the password's proof to the TLS connection, if the server can: `channel_binding`. */
  readonly channelBinding: boolean;
  /** Milliseconds, from `connect_timeout`. */
  readonly connectTimeoutMs: number | undefined;
}

/** What {@link readConnectionUrl} found. */
export type UrlResult =
  | { readonly ok: true; readonly target: ConnectionTarget }
  | { readonly ok: false; readonly mistakes: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * User and password, hosts, database, parameters. A password may contain @, ? and # as they are: before the path, only the
 * last @ separates.
 */
const PARTS = /^postgres(?:ql)?:\/\/(?:([^/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s;
const SCHEME_MISTAKE = "must be a URL that starts with postgres:// or postgresql://";
const ESCAPES = "a password with : / ? # or @ needs them as %3A %2F %3F %23 %40";
const DEFAULT_PORT = "5432";

/** Parameters of which only these values have a meaning here. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["disable", "prefer", "require"],
  pgbouncer: ["true", "false"],
  sslmode: ["disable", "prefer", "require", "verify-ca", "verify-full"],
  sslnegotiation: ["postgres", "direct"],
  // The other values of libpq ask for servers that take no writes, so no postings.
  target_session_attrs: ["any", "read-write", "primary"],
};

const PARAMETERS: readonly string[] = [
  ..."application_name connect_timeout dbname host options password port user".split(" "),
  ..."ssl sslcert sslkey sslpassword sslrootcert".split(" "),
  ...Object.keys(VALUES),
].sort();

/** Parameters of libpq and node-postgres that change nothing here: keepalives are on, the encoding is UTF-8, GSSAPI is never used. */
const WITHOUT_EFFECT: readonly string[] = [
  ..."client_encoding fallback_application_name gssencmode tcp_user_timeout uselibpqcompat".split(" "),
  ..."keepalives keepalives_count keepalives_idle keepalives_interval".split(" "),
];

/** The environment variables that libpq reads for parameters that are not in the URL. */
const TLS_VARIABLES = {
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
};

/** `sslrootcert` for the authorities that come with Node, and NODE_EXTRA_CA_CERTS. */
const SYSTEM = "system";

/** Adds a password to a URL that has none. */
export function withPassword(url: string, password: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}password=${encodeURIComponent(password)}`;
}

/** Reads a URL. Reports all mistakes; none of them repeats a password. */
export function readConnectionUrl(url: string, environment: Environment = process.env): UrlResult {
  const refuse = (...mistakes: string[]): UrlResult => ({ ok: false, mistakes });
  const parts = PARTS.exec(url);
  if (parts === null) return refuse(SCHEME_MISTAKE);
  const [, credentials, hosts = "", path = "", query = ""] = parts;
  // Such a URL was split within the password, so no part of it may be repeated.
  if (`${path}${query}`.includes("@") || /\?\w+=/.test(credentials ?? "")) return refuse(`has a stray @; ${ESCAPES}`);
  if (!isDecodable(url)) return refuse("has a % that starts no code; write %25 for it");

  const mistakes: string[] = [];
  const parameters = readParameters(query, environment, mistakes);
  const addresses = readHosts(hosts, parameters, environment, mistakes);
  const connectTimeout = parameters.get("connect_timeout");
  if (connectTimeout !== undefined && !/^[1-9]\d{0,3}$/.test(connectTimeout)) {
    mistakes.push(`connect_timeout: must be a whole number of seconds from 1 to 9999, not ${quote(connectTimeout)}`);
  }
  const mode = checkTls(parameters, mistakes);
  const found = mistakes.length === 0 ? readAccess(credentials, parameters, mistakes) : undefined;
  const pgbouncer = parameters.get("pgbouncer");
  if (mistakes.length > 0 || found === undefined) return refuse(...mistakes);
  return {
    ok: true,
    target: {
      hosts: addresses,
      user: found.user || undefined,
      password: found.password || undefined,
      database: parameters.get("dbname") ?? (decodeURIComponent(path) || undefined),
      tlsMode: mode,
      tls: found.tls,
      sslNegotiation: parameters.get("sslnegotiation") === "direct" ? "direct" : "postgres",
      mustWrite: ["read-write", "primary"].includes(parameters.get("target_session_attrs") ?? "any"),
      pgbouncer: pgbouncer === undefined ? undefined : pgbouncer === "true",
      applicationName: parameters.get("application_name"),
      options: parameters.get("options"),
      // node-postgres can't enforce it: `require` does what `prefer` does.
      channelBinding: (parameters.get("channel_binding") ?? "disable") !== "disable",
      connectTimeoutMs: connectTimeout === undefined ? undefined : Number(connectTimeout) * 1000,
    },
  };
}

function readParameters(query: string, environment: Environment, mistakes: string[]): Map<string, string> {
  // libpq reads "+" as a plus sign. In these two parameters, URL libraries write it for a space.
  const text = query.replace(/(?:^|&)(?!options=|application_name=)[^&]*/g, (pair) => pair.replaceAll("+", "%2B"));
  const parameters = new Map(new URLSearchParams(text));
  for (const [name, value] of parameters) {
    if (value === "" || WITHOUT_EFFECT.includes(name)) parameters.delete(name);
  }
  if (/^(?:true|1)$/.test(parameters.get("ssl") ?? "") && !parameters.has("sslmode"))
    parameters.set("sslmode", "require");
  for (const [name, variable] of Object.entries(TLS_VARIABLES)) {
    const value = environment[variable];
    if (value && !parameters.has(name)) parameters.set(name, value);
  }
  for (const [name, value] of parameters) {
    if (!PARAMETERS.includes(name)) {
      mistakes.push(`the parameter ${quote(name)} has no meaning here; there are ${PARAMETERS.join(", ")}`);
    } else if (VALUES[name]?.includes(value) === false) {
      mistakes.push(`${name}: must be one of ${VALUES[name].join(", ")}, not ${quote(value)}`);
    }
  }
  return parameters;
}

function readHosts(
  authority: string,
  parameters: ReadonlyMap<string, string>,
  environment: Environment,
  mistakes: string[],
): HostAddress[] {
  const inUrl = authority.split(",").map((text) => splitHost(text, mistakes));
  const hosts = parameters.get("host")?.split(",") ?? inUrl.map(({ host }) => host);
  const ports = parameters.get("port")?.split(",") ?? inUrl.map(({ port }) => port);
  if (ports.length !== 1 && ports.length !== hosts.length) {
    mistakes.push(`there are ${hosts.length} hosts and ${ports.length} ports; give one port, or one for each host`);
  }
  return hosts.map((host, index) => {
    const text = (ports.length === 1 ? ports[0] : ports[index]) || environment["PGPORT"] || DEFAULT_PORT;
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535) mistakes.push(`the port must be a number from 1 to 65535; ${ESCAPES}`);
    return { host: host || environment["PGHOST"] || "localhost", port };
  });
}

/** `host:port`, `host`, `[::1]:port` or a socket's directory with each / written %2F. */
function splitHost(text: string, mistakes: string[]): { host: string; port: string } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text);
  if (match === null) {
    mistakes.push("a host is malformed; an IPv6 address goes in brackets, as [::1]:5432");
    return { host: "", port: "" };
  }
  return { host: decodeURIComponent(match[1] ?? match[2] ?? ""), port: match[3] ?? "" };
}

/**
 * Completes the parameters of TLS. Unlike libpq, it reads certificates only where the parameters say so.
 *
 * @returns the mode.
 */
function checkTls(parameters: Map<string, string>, mistakes: string[]): string {
  const root = parameters.get("sslrootcert");
  const mode = parameters.get("sslmode") ?? (root === SYSTEM ? "verify-full" : "prefer");
  parameters.set("sslmode", mode);
  if (root === SYSTEM) {
    parameters.delete("sslrootcert");
    if (mode !== "verify-full") {
      mistakes.push(`sslrootcert: system needs sslmode=verify-full, not ${mode}: anybody can get such a certificate`);
    }
  }
  if (root === undefined && mode.startsWith("verify-")) {
    mistakes.push(
      `sslmode: ${mode} needs sslrootcert, the file of the CA's certificate, or sslrootcert=system for public ones`,
    );
  }
  if (parameters.has("sslcert") !== parameters.has("sslkey")) {
    mistakes.push("sslcert, sslkey: set both of them, or neither");
  }
  if (parameters.get("sslnegotiation") === "direct" && (mode === "disable" || mode === "prefer")) {
    mistakes.push(`sslnegotiation: direct needs sslmode=require, verify-ca or verify-full, not ${mode}`);
  }
  if (mode === "disable") for (const name of ["sslrootcert", "sslcert", "sslkey"]) parameters.delete(name);
  return mode;
}

/** Has pg-connection-string read user, password and TLS. @returns undefined after a mistake. */
function readAccess(credentials: string | undefined, parameters: ReadonlyMap<string, string>, mistakes: string[]) {
  const account = credentials === undefined ? "" : `${credentials.replace(/[?# ]/g, encodeURIComponent)}@`;
  try {
    const read = parse(`postgres://${account}host?${new URLSearchParams([...parameters])}`, { useLibpqCompat: true });
    const { ca, cert, key, ...checks } = typeof read.ssl === "object" ? read.ssl : {};
    for (const [name, text] of Object.entries({ sslrootcert: ca, sslcert: cert, sslkey: key })) {
      if (text && !text.includes("-----BEGIN ")) mistakes.push(`${name}: ${parameters.get(name)} holds no PEM`);
    }
    const passphrase = parameters.get("sslpassword");
    const own = cert && key ? { cert, key, ...(passphrase && { passphrase }) } : {};
    return { user: read.user, password: read.password, tls: { ...checks, ...(ca && { ca }), ...own } };
  } catch (error) {
    const path = error instanceof Error && "path" in error ? error.path : undefined;
    const [name] = [...parameters].find(([, value]) => value === path) ?? [];
    if (name === undefined) throw error;
    mistakes.push(`${name}: ${path} can't be read (${describeReadFailure(error)})`);
    return undefined;
  }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** One host with or without TLS: the target of a single attempt. */
export interface Endpoint extends HostAddress {
  readonly ssl: ConnectionOptions | false;
}

/** A server answers but takes no writes. The code is PostgreSQL's for a refused write. */
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

/** A connection, and where it leads. */
export interface Connection {
  readonly client: pg.Client;
  readonly endpoint: Endpoint;
}

/**
 * Connects to the first host of `target` that answers and, if the target asks for that, takes writes.
 *
 * @throws the last error. As in libpq, a server that refuses the user or the password ends the search.
 */
export async function connectTo(target: ConnectionTarget, options: ConnectOptions): Promise<Connection> {
  let failure: unknown;
  for (const { host, port } of target.hosts) {
    for (const endpoint of endpointsOf(target, { host, port })) {
      try {
        return { client: await openClient(target, endpoint, options), endpoint };
      } catch (error) {
        failure = error;
        // Without an answer, TLS makes no difference.
        if (!isAnswer(error)) break;
      }
    }
    if (errorCode(failure)?.startsWith("28")) break;
  }
  throw failure;
}

/** The endpoints of one host, in the order in which its TLS mode tries them. A unix socket needs no TLS. */
export function endpointsOf(target: ConnectionTarget, address: HostAddress): Endpoint[] {
  const plain: Endpoint = { ...address, ssl: false };
  const encrypted: Endpoint = { ...address, ssl: target.tls };
  if (address.host.startsWith("/") || target.tlsMode === "disable") return [plain];
  if (target.tlsMode === "prefer") return [encrypted, plain];
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
  // The queries of a lost connection fail with the same error.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await requireWritable(target, client, connectTimeoutMs);
    return client;
  } catch (error) {
    // Not awaited, because a server that stalls does not answer this either.
    client.end().catch(() => undefined);
    throw error;
  }
}

/** @throws ReadOnlyServerError if the target asks for a server that takes writes and this one does not. */
export async function requireWritable(
  { mustWrite }: ConnectionTarget,
  client: pg.ClientBase,
  answerTimeoutMs: number,
): Promise<void> {
  // The types of node-postgres lack this option.
  const question = { text: "show transaction_read_only", query_timeout: answerTimeoutMs };
  const { rows } = await client.query<{ transaction_read_only: string }>(question);
  if (mustWrite && rows[0]?.transaction_read_only !== "off")
    throw new ReadOnlyServerError("the server takes no writes");
}

/** Whether a server answered and wanted something else: TLS, no TLS, another user. */
function isAnswer(error: unknown): boolean {
  const code = errorCode(error) ?? "";
  if (/^(?:28|ERR_SSL|ERR_TLS)/.test(code) || isCertificateCode(code)) return true;
  return error instanceof Error && /SSL/.test(error.message);
}
