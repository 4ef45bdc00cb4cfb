/**
 * Reads a PostgreSQL URL as libpq does: several hosts, its names for TLS, `target_session_attrs`.
 *
 * node-postgres reads one host, and means other things by the same words (its `require` verifies the host name, which
 * libpq's does not). https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { errorCode } from "./connection-errors.ts";

/** TLS to PostgreSQL as libpq names it. https://www.postgresql.org/docs/current/libpq-ssl.html */

const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/** Whether TLS is spoken, and what of the server's certificate is checked. */
export type TlsMode = (typeof TLS_MODES)[number];

/** What node-postgres hands to `tls.connect`. */
export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "passphrase" | "rejectUnauthorized" | "checkServerIdentity"
>;

/** The parameters of a URL, as they stand in it. */
export interface TlsParameters {
  readonly mode: string | undefined;
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly password: string | undefined;
  readonly readFile: (path: string) => string;
  /** Receives what is wrong, each beginning with the parameter's name. */
  readonly mistakes: string[];
}

/** libpq's name for the authorities that the system trusts; here, those that come with Node, and NODE_EXTRA_CA_CERTS. */
const SYSTEM = "system";

/**
 * The mode and the options that go with it.
 *
 * As in libpq, a root certificate has the server's certificate checked in every mode that speaks TLS, and the host name
 * is checked by `verify-full` alone. Other than libpq, certificates are looked for only where they are said to be, and
 * one that is named and can't be read is a mistake.
 */
function readTls(parameters: TlsParameters): { readonly mode: TlsMode; readonly options: TlsOptions } {
  const { rootCertificate, mistakes } = parameters;
  const mode = readMode(parameters.mode ?? (rootCertificate === SYSTEM ? "verify-full" : "prefer"), mistakes);
  if (mode === "disable") return { mode, options: {} };
  if (rootCertificate === SYSTEM && mode !== "verify-full") {
    mistakes.push(`sslrootcert: system needs sslmode=verify-full, not ${mode}: anybody can get such a certificate`);
  }
  if (rootCertificate === undefined && (mode === "verify-ca" || mode === "verify-full")) {
    mistakes.push(
      `sslmode: ${mode} needs sslrootcert, the file of the CA's certificate, or sslrootcert=system for public ones`,
    );
  }
  return { mode, options: { ...serverCheck(mode, parameters), ...clientCertificate(parameters) } };
}

function readMode(text: string, mistakes: string[]): TlsMode {
  const mode = TLS_MODES.find((known) => known === text);
  if (mode === undefined) mistakes.push(`sslmode: must be one of ${TLS_MODES.join(", ")}, not ${JSON.stringify(text)}`);
  return mode ?? "disable";
}

function serverCheck(mode: TlsMode, { rootCertificate, readFile, mistakes }: TlsParameters): TlsOptions {
  if (rootCertificate === undefined) return { rejectUnauthorized: mode === "verify-full" };
  const ca = rootCertificate === SYSTEM ? {} : { ca: readNamed("sslrootcert", rootCertificate, readFile, mistakes) };
  if (mode === "verify-full") return { ...ca, rejectUnauthorized: true };
  return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

function clientCertificate({ certificate, key, password, readFile, mistakes }: TlsParameters): TlsOptions {
  if (certificate === undefined && key === undefined) return {};
  if (certificate === undefined || key === undefined) {
    mistakes.push("sslcert, sslkey: set both of them, or neither");
    return {};
  }
  return {
    cert: readNamed("sslcert", certificate, readFile, mistakes),
    key: readNamed("sslkey", key, readFile, mistakes),
    ...(password !== undefined && { passphrase: password }),
  };
}

function readNamed(name: string, path: string, readFile: (path: string) => string, mistakes: string[]): string {
  try {
    const text = readFile(path);
    if (text.includes("-----BEGIN ")) return text;
    mistakes.push(`${name}: ${path} holds no PEM`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? `${error.code}` : "";
    mistakes.push(`${name}: ${path} can't be read (${READ_FAILURES[code] ?? code})`);
  }
  return "";
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not",
  EISDIR: "it is a directory",
};

/** One address of the database: a host name, an IP address, or the directory of a unix socket. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a URL leads and how to go there. */
export interface ConnectionTarget {
  /** Tried in this order; at least one. */
  readonly hosts: readonly HostAddress[];
  /** Absent parts are node-postgres's to find: PGUSER, PGPASSWORD, PGDATABASE. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly tlsMode: TlsMode;
  /** How TLS is spoken when it is; see {@link readTls}. */
  readonly tls: TlsOptions;
  readonly sslNegotiation: "postgres" | "direct";
  /** Whether a server that refuses writes is passed over: `target_session_attrs=read-write` or `primary`. */
  readonly mustWrite: boolean;
  /** Whether a pooler lends a server connection for a transaction at a time; undefined: to be found out. */
  readonly pgbouncer: boolean | undefined;
  readonly applicationName: string | undefined;
  readonly options: string | undefined;
  /** Whether the password is proven for this TLS connection alone, where the server can: `channel_binding`. */
  readonly channelBinding: boolean;
  /** Milliseconds, from `connect_timeout`. */
  readonly connectTimeoutMs: number | undefined;
}

export interface UrlReading {
  /** What PGSSLMODE, PGSSLROOTCERT, PGHOST and the like are looked up in. Default the process environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Gives the text of a certificate's file. Default from the file system. */
  readonly readFile?: (path: string) => string;
}

const SCHEME = /^postgres(?:ql)?:\/\//;
const SCHEME_MISTAKE = "must be a URL that starts with postgres:// or postgresql://";
const DEFAULT_PORT = 5432;

/** Parameters with a meaning here. */
const PARAMETERS = [
  "application_name",
  "channel_binding",
  "connect_timeout",
  "dbname",
  "host",
  "options",
  "password",
  "pgbouncer",
  "port",
  "ssl",
  "sslcert",
  "sslkey",
  "sslmode",
  "sslnegotiation",
  "sslpassword",
  "sslrootcert",
  "target_session_attrs",
  "user",
];

/** Parameters of libpq and node-postgres that change nothing here: keepalives are on, the encoding is UTF-8, GSSAPI is never used. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "client_encoding",
  "fallback_application_name",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "tcp_user_timeout",
  "uselibpqcompat",
]);

/** `target_session_attrs`: whether it asks for a server that takes writes. The others would never take a posting. */
const SESSION_ATTRIBUTES: ReadonlyMap<string, boolean> = new Map([
  ["any", false],
  ["read-write", true],
  ["primary", true],
]);

/** What {@link readConnectionUrl} found. */
export type UrlResult =
  | { readonly ok: true; readonly target: ConnectionTarget }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Reads a URL; every mistake is told, and none repeats a password. */
export function readConnectionUrl(url: string, reading: UrlReading = {}): UrlResult {
  const { environment = process.env, readFile = (path) => readFileSync(path, "utf8") } = reading;
  const mistakes: string[] = [];
  if (!SCHEME.test(url)) return { ok: false, mistakes: [SCHEME_MISTAKE] };
  const parts = splitUrl(url.replace(SCHEME, ""));
  const parameters = readParameters(parts.query, mistakes);
  const decoded = (text: string | undefined, what: string) =>
    text === undefined || text === "" ? undefined : decode(text, what, mistakes);

  const hosts = readHosts(parts.hosts, parameters, environment, mistakes);
  const tls = readTls({
    mode: parameters.get("sslmode") ?? (isOn(parameters.get("ssl")) ? "require" : environment["PGSSLMODE"]),
    rootCertificate: parameters.get("sslrootcert") ?? environment["PGSSLROOTCERT"],
    certificate: parameters.get("sslcert") ?? environment["PGSSLCERT"],
    key: parameters.get("sslkey") ?? environment["PGSSLKEY"],
    password: parameters.get("sslpassword"),
    readFile,
    mistakes,
  });
  const sslNegotiation = oneOf("sslnegotiation", ["postgres", "direct"] as const, parameters, mistakes) ?? "postgres";
  if (sslNegotiation === "direct" && ["disable", "allow", "prefer"].includes(tls.mode)) {
    mistakes.push(`sslnegotiation: direct needs sslmode=require, verify-ca or verify-full, not ${tls.mode}`);
  }
  const target: ConnectionTarget = {
    hosts,
    user: parameters.get("user") ?? decoded(parts.user, "the user"),
    password: parameters.get("password") ?? decoded(parts.password, "the password"),
    database: parameters.get("dbname") ?? decoded(parts.database, "the database"),
    tlsMode: tls.mode,
    tls: tls.options,
    sslNegotiation,
    mustWrite: readSessionAttributes(parameters.get("target_session_attrs"), mistakes),
    pgbouncer: readFlag("pgbouncer", parameters, mistakes),
    applicationName: parameters.get("application_name"),
    options: parameters.get("options"),
    channelBinding: readChannelBinding(parameters, mistakes),
    connectTimeoutMs: readSeconds("connect_timeout", parameters, mistakes),
  };
  return mistakes.length === 0 ? { ok: true, target } : { ok: false, mistakes };
}

interface UrlParts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly hosts: string;
  readonly database: string | undefined;
  readonly query: string;
}

/** The parts as they stand. Up to the path everything before the last @ is the user's: passwords hold many a character. */
function splitUrl(rest: string): UrlParts {
  const slash = rest.indexOf("/");
  const at = rest.lastIndexOf("@", slash === -1 ? rest.length : slash);
  const credentials = at === -1 ? undefined : rest.slice(0, at);
  const colon = credentials?.indexOf(":") ?? -1;
  const address = rest.slice(at + 1);
  const question = address.indexOf("?");
  const path = question === -1 ? address : address.slice(0, question);
  const start = path.indexOf("/");
  return {
    user: colon === -1 ? credentials : credentials?.slice(0, colon),
    password: colon === -1 ? undefined : credentials?.slice(colon + 1),
    hosts: start === -1 ? path : path.slice(0, start),
    database: start === -1 ? undefined : path.slice(start + 1),
    query: question === -1 ? "" : address.slice(question + 1),
  };
}

function readParameters(query: string, mistakes: string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (WITHOUT_EFFECT.has(name)) continue;
    if (!PARAMETERS.includes(name)) {
      mistakes.push(`the parameter ${JSON.stringify(name)} has no meaning here; there are ${PARAMETERS.join(", ")}`);
      continue;
    }
    const text = equals === -1 ? "" : pair.slice(equals + 1);
    // Other than libpq, URL libraries write a space as "+".
    const spaced = name === "options" || name === "application_name" ? text.replaceAll("+", " ") : text;
    const value = decode(spaced, `the parameter ${name}`, mistakes);
    if (value !== "") found.set(name, value);
  }
  return found;
}

function readHosts(
  authority: string,
  parameters: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
  mistakes: string[],
): HostAddress[] {
  const inUrl = authority.split(",").map((text) => splitHost(text, mistakes));
  const hosts = parameters.get("host")?.split(",") ?? inUrl.map(({ host }) => host);
  const ports = parameters.get("port")?.split(",") ?? inUrl.map(({ port }) => port);
  if (ports.length !== 1 && ports.length !== hosts.length) {
    mistakes.push(`there are ${hosts.length} hosts and ${ports.length} ports; give one port, or one for each host`);
  }
  return hosts.map((host, index) => {
    const port = ports.length === 1 ? ports[0] : ports[index];
    return {
      host: host || environment["PGHOST"] || "localhost",
      port: readPort(port || environment["PGPORT"] || `${DEFAULT_PORT}`, mistakes),
    };
  });
}

/** `host:port`, `host`, `[::1]:port` or a socket's directory with each / written %2F. */
function splitHost(text: string, mistakes: string[]): { host: string; port: string } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text);
  if (match === null) {
    mistakes.push("a host is malformed; an IPv6 address goes in brackets, as [::1]:5432");
    return { host: "", port: "" };
  }
  return { host: decode(match[1] ?? match[2] ?? "", "the host", mistakes), port: match[3] ?? "" };
}

function readPort(text: string, mistakes: string[]): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    mistakes.push(
      `the port must be a number from 1 to 65535; a password with : / ? # or @ needs them as %3A %2F %3F %23 %40`,
    );
  }
  return port;
}

function readSessionAttributes(value: string | undefined, mistakes: string[]): boolean {
  const mustWrite = SESSION_ATTRIBUTES.get(value ?? "any");
  if (mustWrite === undefined) {
    mistakes.push(`target_session_attrs: must be any, read-write or primary, for postings write, not ${quoted(value)}`);
  }
  return mustWrite ?? false;
}

function oneOf<const Value extends string>(
  name: string,
  values: readonly Value[],
  parameters: ReadonlyMap<string, string>,
  mistakes: string[],
): Value | undefined {
  const text = parameters.get(name);
  const value = values.find((each) => each === text);
  if (text !== undefined && value === undefined) {
    mistakes.push(`${name}: must be ${values.join(" or ")}, not ${quoted(text)}`);
  }
  return value;
}

function readFlag(name: string, parameters: ReadonlyMap<string, string>, mistakes: string[]): boolean | undefined {
  const value = oneOf(name, ["true", "false"], parameters, mistakes);
  return value === undefined ? undefined : value === "true";
}

/** node-postgres can ask for it and not insist: `require` does what `prefer` does. */
function readChannelBinding(parameters: ReadonlyMap<string, string>, mistakes: string[]): boolean {
  const mode = oneOf("channel_binding", ["disable", "prefer", "require"], parameters, mistakes);
  return mode === "prefer" || mode === "require";
}

function readSeconds(name: string, parameters: ReadonlyMap<string, string>, mistakes: string[]): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text) * 1000;
  mistakes.push(`${name}: must be a whole number of seconds from 1 to 9999, not ${quoted(text)}`);
  return undefined;
}

function isOn(text: string | undefined): boolean {
  return text === "true" || text === "1";
}

function decode(text: string, what: string, mistakes: string[]): string {
  try {
    return decodeURIComponent(text);
  } catch {
    mistakes.push(`${what} has a % that starts no code; write %25 for it`);
    return "";
  }
}

function quoted(text: string | undefined): string {
  return JSON.stringify(text ?? "");
}

/** Finds, among the hosts and ways of a connection target, one that works. */

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
