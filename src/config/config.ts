import {
  commaList,
  compile,
  describeMistakes,
  missingOrigins,
  type Policy,
  printMistake,
  readCorsConfig,
} from "../../packages/cors/src/index.ts";
import { type ConnectionTarget, readConnectionUrl, withPassword } from "../database/index.ts";
import type { OverloadLimits } from "../plugins/index.ts";
import { StartError } from "../start-error.ts";
import {
  type Environment,
  isFromFile,
  isUnset,
  type LOG_LEVELS,
  readValues,
  sourceOf,
  unknownVariables,
  type Values,
} from "./variables.ts";

/** The configuration of the service, from environment variables. README.md has the table. */
export interface Config {
  readonly environment: "development" | "production";
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Absent: no console. */
  readonly consolePort: number | undefined;
  /** The API's origin for the console's pages. Absent: `port` on the page's host. */
  readonly consoleApiUrl: string | undefined;
  /** Absent: an embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  /** Starts with a slash and ends without one, or is empty. */
  readonly twirpPrefix: string;
  readonly cors: Policy;
  readonly auth: {
    /** Absent: the generated development secret in `dataDir`. */
    readonly trust: { readonly secret: string } | { readonly jwksUrl: string } | undefined;
    readonly issuer: string | undefined;
    readonly audience: string | undefined;
  };
  /** Maximum bytes of a request body. */
  readonly bodyLimit: number;
  /** The limits beyond which calls and connections are refused. */
  readonly overload: OverloadLimits & {
    /** Open connections of clients. */
    readonly connectionsMax: number;
    /** Open connections of one address, unless it is a trusted proxy's; infinite for no limit. */
    readonly connectionsPerAddressMax: number;
    /** Bytes that all calls hold together; 0 is no limit. Absent: a share of V8's limit. */
    readonly heldBytes: number | undefined;
    /** Calls per second of one caller; undefined is no limit. */
    readonly perCaller: number | undefined;
  };
  /** Trusted proxies, whose X-Forwarded-For counts; empty for none. */
  readonly trustProxy: readonly string[];
  readonly demoData: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Headers for the spans' receiver: `name=value,...`. Absent: OpenTelemetry reads the environment. */
  readonly traceHeaders: string | undefined;
  /** Absent: this process alone, unsupervised. */
  readonly workers: number | "auto" | undefined;
  /** Milliseconds to keep answering after SIGTERM. */
  readonly shutdownDelayMs: number;
  /** Warnings about choices that are unwise in production, one line each; empty in development. */
  readonly warnings: readonly string[];
}

/** The configuration of a console that is served by itself. */
export interface ConsoleConfig {
  readonly host: string;
  readonly port: number;
  readonly apiUrl: string;
  readonly twirpPrefix: string;
  readonly logLevel: Config["logLevel"];
}

/** All mistakes of an environment, each with the name of its variable; the message is a report for people. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(describeMistakes(mistakes));
    this.mistakes = mistakes;
  }
}

/** Outside production. */
const CONSOLE_PORT = 5173;

/**
 * Reads the environment.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readConfig(environment: Environment): Config {
  const mistakes = unknownVariables(environment);
  const values = readValues(environment, mistakes);
  const production = values.NODE_ENV === "production";

  const database = readDatabaseUrl(values, environment, mistakes);
  mistakes.push(...missingOrigins(environment));
  const { AUTH_JWKS_URL: jwksUrl, AUTH_JWT_SECRET: secret } = values;
  if (jwksUrl !== undefined && secret !== undefined) {
    mistakes.push(`AUTH_JWKS_URL, ${sourceOf(environment, "AUTH_JWT_SECRET")}: set one of them, not both`);
  }
  if (production && isUnset(environment, "AUTH_JWKS_URL") && isUnset(environment, "AUTH_JWT_SECRET")) {
    mistakes.push("AUTH_JWKS_URL or AUTH_JWT_SECRET: one is required in production");
  }
  const consolePort = values.CONSOLE_PORT ?? (production ? "off" : CONSOLE_PORT);
  const { PORT: port, MAX_CONNECTIONS: connectionsMax } = values;
  if (port === consolePort && port !== 0) {
    mistakes.push(`PORT, CONSOLE_PORT: both are ${port}; give each a port of its own, or set CONSOLE_PORT to off`);
  }
  const cors = compile(readCorsConfig(environment));
  if (!cors.ok) mistakes.push(...cors.mistakes.map(printMistake));
  if (!cors.ok || mistakes.length > 0) throw new ConfigError(mistakes);

  return {
    environment: production ? "production" : "development",
    host: values.HOST,
    port,
    consolePort: consolePort === "off" || consolePort === 0 ? undefined : consolePort,
    consoleApiUrl: values.CONSOLE_API_URL,
    databaseUrl: database?.url,
    dataDir: values.DATA_DIR,
    twirpPrefix: values.TWIRP_PREFIX,
    cors: cors.policy,
    auth: {
      trust: jwksUrl === undefined ? (secret === undefined ? undefined : { secret }) : { jwksUrl },
      issuer: values.AUTH_ISSUER,
      audience: values.AUTH_AUDIENCE,
    },
    bodyLimit: values.BODY_LIMIT,
    overload: {
      connectionsMax,
      connectionsPerAddressMax: connectionsPerAddressMaxOf(values.MAX_CONNECTIONS_PER_ADDRESS, connectionsMax),
      requestsInFlightMax: values.MAX_REQUESTS_IN_FLIGHT,
      eventLoopDelayMs: values.OVERLOAD_EVENT_LOOP_DELAY_MS,
      heapBytes: values.OVERLOAD_HEAP_BYTES,
      memoryBytes: values.OVERLOAD_MEMORY_BYTES,
      heldBytes: values.OVERLOAD_HELD_BYTES,
      perCaller: values.RATE_LIMIT_PER_CALLER,
      perAddress: values.RATE_LIMIT_PER_ADDRESS,
    },
    trustProxy: values.TRUST_PROXY ?? [],
    demoData: values.DEMO_DATA ?? (!production && values.DATABASE_URL === undefined),
    logLevel: values.LOG_LEVEL,
    traceHeaders: isFromFile(environment, "OTEL_EXPORTER_OTLP_HEADERS") ? values.OTEL_EXPORTER_OTLP_HEADERS : undefined,
    workers: values.WORKERS,
    shutdownDelayMs: values.SHUTDOWN_DELAY_MS,
    warnings: production
      ? productionWarnings({
          database: database?.target,
          origins: commaList(values.CORS_ALLOWED_ORIGINS ?? ""),
          jwksUrl,
          secret,
          audience: values.AUTH_AUDIENCE,
          demoData: values.DEMO_DATA ?? false,
        })
      : [],
  };
}

/**
 * Reads the part of the environment that locates the ledger.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readLedgerConfig(environment: Environment): Pick<Config, "databaseUrl" | "dataDir"> {
  const mistakes = unknownVariables(environment);
  const values = readValues(environment, mistakes);
  const database = readDatabaseUrl(values, environment, mistakes);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { databaseUrl: database?.url, dataDir: values.DATA_DIR };
}

/** Reads the URL with its password. Adds a message to `mistakes` for each mistake in it. */
function readDatabaseUrl(
  { DATABASE_URL: url, PGPASSWORD: password, NODE_ENV }: Values,
  environment: Environment,
  mistakes: string[],
): { readonly url: string; readonly target: ConnectionTarget } | undefined {
  if (url === undefined) {
    if (NODE_ENV === "production" && isUnset(environment, "DATABASE_URL")) {
      mistakes.push("DATABASE_URL: is required in production, such as postgres://user:password@host:5432/finance");
    }
    return undefined;
  }
  const source = sourceOf(environment, "DATABASE_URL");
  const database = readConnectionUrl(url, environment);
  if (!database.ok) {
    mistakes.push(...database.mistakes.map((mistake) => `${source}: ${mistake}`));
    return undefined;
  }
  const { target } = database;
  // As in libpq, the URL's password comes before PGPASSWORD, which node-postgres reads by itself.
  if (password === undefined || !isFromFile(environment, "PGPASSWORD")) return { url, target };
  if (target.password !== undefined) {
    mistakes.push(`${source}, PGPASSWORD_FILE: both have a password; remove the one in the URL`);
  }
  return { url: withPassword(url, password), target };
}

/**
 * Reads the environment of a console that is served by itself.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readConsoleConfig(environment: Environment): ConsoleConfig {
  const mistakes = unknownVariables(environment);
  const values = readValues(environment, mistakes);
  const { CONSOLE_PORT: port = CONSOLE_PORT, CONSOLE_API_URL: apiUrl } = values;
  if (isUnset(environment, "CONSOLE_API_URL")) {
    mistakes.push("CONSOLE_API_URL: is required, the API's origin as browsers reach it: https://api.example.com");
  }
  if (port === "off") mistakes.push("CONSOLE_PORT: must be a port, not off: this process serves only the console");
  if (apiUrl === undefined || port === "off" || mistakes.length > 0) throw new ConfigError(mistakes);
  return {
    host: values.HOST,
    port,
    apiUrl,
    twirpPrefix: values.TWIRP_PREFIX,
    logLevel: values.LOG_LEVEL,
  };
}

/** @returns a quarter of all connections, at least 100, unless it is configured. */
function connectionsPerAddressMaxOf(configured: number | undefined, connectionsMax: number): number {
  if (configured === 0) return Number.POSITIVE_INFINITY;
  return configured ?? Math.max(Math.floor(connectionsMax / 4), 100);
}

/** Choices of the environment that can be unwise in production. */
interface ProductionChoices {
  readonly database: ConnectionTarget | undefined;
  readonly origins: readonly string[];
  readonly jwksUrl: string | undefined;
  readonly secret: string | undefined;
  readonly audience: string | undefined;
  readonly demoData: boolean;
}

/** Hosts that mean this machine. */
export const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);

/** A random key of 32 bytes has more distinct characters than this, in any notation. */
const DISTINCT_CHARACTERS_MIN = 10;

/** One line for each unwise choice; none repeats a secret. */
function productionWarnings(choices: ProductionChoices): string[] {
  const { database, origins, jwksUrl, secret, audience, demoData } = choices;
  const warnings: string[] = [];
  const warn = (unwise: boolean, text: string) => {
    if (unwise) warnings.push(text);
  };
  warn(
    database !== undefined && !verifiesServer(database),
    "DATABASE_URL: the server's certificate is not verified, so anyone on the network path can read and change everything; " +
      "set sslmode=verify-full and sslrootcert",
  );
  warn(origins.includes("*"), "CORS_ALLOWED_ORIGINS: any page may call; list the origins of your pages");
  warn(
    origins.some((origin) => origin.startsWith("http://")),
    "CORS_ALLOWED_ORIGINS: has an origin without TLS, which anyone on the network path can impersonate; use https origins",
  );
  warn(
    jwksUrl?.startsWith("http:") === true && !LOOPBACK_HOSTS.has(new URL(jwksUrl).hostname),
    "AUTH_JWKS_URL: keys are fetched without TLS, so anyone on the network path can sign tokens; use https",
  );
  warn(
    secret !== undefined && new Set(secret).size < DISTINCT_CHARACTERS_MIN,
    "AUTH_JWT_SECRET: is easily guessed; make one with openssl rand -base64 32",
  );
  warn(
    jwksUrl !== undefined && audience === undefined,
    "AUTH_AUDIENCE: is unset, so tokens that the issuer made for other services are valid here too",
  );
  warn(demoData, "DEMO_DATA: fills an empty ledger with invented accounts and transfers");
  return warnings;
}

function verifiesServer({ hosts, tlsMode, tls }: ConnectionTarget): boolean {
  const isNear = hosts.every(({ host }) => host.startsWith("/") || LOOPBACK_HOSTS.has(host));
  // Below `require`, libpq falls back to plaintext.
  return isNear || (!["disable", "prefer"].includes(tlsMode) && tls.rejectUnauthorized !== false);
}
