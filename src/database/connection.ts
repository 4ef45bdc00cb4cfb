/**
 * Reads a PostgreSQL URL as libpq does: several hosts, its names for TLS, `target_session_attrs`.
 *
 * node-postgres reads one host, and means other things by the same words (its `require` verifies the host name, which
 * libpq's does not). https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
import { readFileSync } from "node:fs";
import { readTls, type TlsMode, type TlsOptions } from "./connection-tls.ts";

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
