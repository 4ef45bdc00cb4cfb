import {
  commaList,
  compile,
  describeMistakes,
  missingOrigins,
  type Policy,
  printMistake,
  readCorsConfig,
} from "../../packages/cors/src/index.ts";
import { readConnectionUrl } from "../database/index.ts";
import type { OverloadLimits } from "../plugins/index.ts";
import { StartError } from "../start-error.ts";
import { type Environment, isUnset, type LOG_LEVELS, readValues, unknownVariables, type Values } from "./variables.ts";
import { productionWarnings } from "./warnings.ts";

/** How the service runs, from environment variables. README.md has the table. */
export interface Config {
  readonly environment: "development" | "production";
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Absent: no console. */
  readonly consolePort: number | undefined;
  /** Where the console's pages call the API. Absent: on `port` of the host that they came from. */
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
  /** Bytes of a request body at most. */
  readonly bodyLimit: number;
  /** What is taken on before calls and connections are turned away. */
  readonly overload: OverloadLimits & {
    /** Open connections of clients. */
    readonly connectionsMax: number;
    /** Those of one address that is not a trusted proxy's; infinite for no limit. */
    readonly connectionsPerAddressMax: number;
    /** Bytes that calls hold together; 0 is no limit. Default: see operations. */
    readonly heldBytes: number | undefined;
    /** Calls a second of one caller; undefined is no limit. */
    readonly perCaller: number | undefined;
  };
  /** Proxies whose X-Forwarded-For is believed; empty for none. */
  readonly trustProxy: readonly string[];
  readonly demoData: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Absent: this process alone, unsupervised. */
  readonly workers: number | "auto" | undefined;
  /** For which calls are still answered after the signal to stop. */
  readonly shutdownDelayMs: number;
  /** What is unwise in production, a line each; empty in development. */
  readonly warnings: readonly string[];
}

/** How the console runs by itself. */
export interface ConsoleConfig {
  readonly host: string;
  readonly port: number;
  readonly apiUrl: string;
  readonly twirpPrefix: string;
  readonly logLevel: Config["logLevel"];
}

/** Every mistake of an environment, each naming its variable; the message is the report for people. */
export class ConfigError extends StartError {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(describeMistakes(mistakes));
    this.mistakes = mistakes;
  }
}

/** Of the embedded database and the development secret. */
const DATA_DIR = ".data";

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
    mistakes.push("AUTH_JWKS_URL, AUTH_JWT_SECRET: set one of them, not both");
  }
  if (production && isUnset(environment, "AUTH_JWKS_URL") && isUnset(environment, "AUTH_JWT_SECRET")) {
    mistakes.push("AUTH_JWKS_URL or AUTH_JWT_SECRET: one is required in production");
  }
  const consolePort = values.CONSOLE_PORT ?? (production ? "off" : 5173);
  const port = values.PORT ?? 9707;
  if (port === consolePort && port !== 0) {
    mistakes.push(`PORT, CONSOLE_PORT: both are ${port}; give each a port of its own, or set CONSOLE_PORT to off`);
  }
  const cors = compile(readCorsConfig(environment));
  if (!cors.ok) mistakes.push(...cors.mistakes.map(printMistake));
  if (!cors.ok || mistakes.length > 0) throw new ConfigError(mistakes);

  const connectionsMax = values.MAX_CONNECTIONS ?? 10_000;
  return {
    environment: production ? "production" : "development",
    host: values.HOST ?? "127.0.0.1",
    port,
    consolePort: consolePort === "off" || consolePort === 0 ? undefined : consolePort,
    consoleApiUrl: values.CONSOLE_API_URL,
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR ?? DATA_DIR,
    twirpPrefix: values.TWIRP_PREFIX ?? "/twirp",
    cors: cors.policy,
    auth: {
      trust: jwksUrl === undefined ? (secret === undefined ? undefined : { secret }) : { jwksUrl },
      issuer: values.AUTH_ISSUER,
      audience: values.AUTH_AUDIENCE,
    },
    bodyLimit: values.BODY_LIMIT ?? 1_048_576,
    overload: {
      connectionsMax,
      connectionsPerAddressMax: connectionsPerAddressMaxOf(values.MAX_CONNECTIONS_PER_ADDRESS, connectionsMax),
      requestsInFlightMax: values.MAX_REQUESTS_IN_FLIGHT ?? 10_000,
      eventLoopDelayMs: values.OVERLOAD_EVENT_LOOP_DELAY_MS ?? 2000,
      heapBytes: values.OVERLOAD_HEAP_BYTES,
      memoryBytes: values.OVERLOAD_MEMORY_BYTES ?? 0,
      heldBytes: values.OVERLOAD_HELD_BYTES,
      perCaller: values.RATE_LIMIT_PER_CALLER,
      perAddress: values.RATE_LIMIT_PER_ADDRESS,
    },
    trustProxy: values.TRUST_PROXY ?? [],
    demoData: values.DEMO_DATA ?? (!production && values.DATABASE_URL === undefined),
    logLevel: values.LOG_LEVEL ?? "info",
    workers: values.WORKERS,
    shutdownDelayMs: values.SHUTDOWN_DELAY_MS ?? 0,
    warnings: production
      ? productionWarnings({
          database: database?.ok === true ? database.target : undefined,
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
 * Reads what an audit needs of the environment: where the ledger is.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readLedgerConfig(environment: Environment): Pick<Config, "databaseUrl" | "dataDir"> {
  const mistakes = unknownVariables(environment);
  const values = readValues(environment, mistakes);
  readDatabaseUrl(values, environment, mistakes);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { databaseUrl: values.DATABASE_URL, dataDir: values.DATA_DIR ?? DATA_DIR };
}

/** What is wrong is added to the mistakes. */
function readDatabaseUrl({ DATABASE_URL, NODE_ENV }: Values, environment: Environment, mistakes: string[]) {
  if (DATABASE_URL === undefined) {
    if (NODE_ENV !== "production") return undefined;
    mistakes.push("DATABASE_URL: is required in production, such as postgres://user:password@host:5432/finance");
    return undefined;
  }
  const database = readConnectionUrl(DATABASE_URL, environment);
  if (!database.ok) mistakes.push(...database.mistakes.map((mistake) => `DATABASE_URL: ${mistake}`));
  return database;
}

/**
 * Reads the environment of a console that is served by itself.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readConsoleConfig(environment: Environment): ConsoleConfig {
  const mistakes = unknownVariables(environment);
  const { HOST, CONSOLE_PORT: port = 5173, CONSOLE_API_URL: apiUrl, ...values } = readValues(environment, mistakes);
  if (isUnset(environment, "CONSOLE_API_URL")) {
    mistakes.push("CONSOLE_API_URL: is required, the API's origin as browsers reach it: https://api.example.com");
  }
  if (port === "off") mistakes.push("CONSOLE_PORT: must be a port, not off: here is nothing but the console");
  if (apiUrl === undefined || port === "off" || mistakes.length > 0) throw new ConfigError(mistakes);
  return {
    host: HOST ?? "127.0.0.1",
    port,
    apiUrl,
    twirpPrefix: values.TWIRP_PREFIX ?? "/twirp",
    logLevel: values.LOG_LEVEL ?? "info",
  };
}

/** @returns a quarter of all connections, yet never few, where nothing is configured. */
function connectionsPerAddressMaxOf(configured: number | undefined, connectionsMax: number): number {
  if (configured === 0) return Number.POSITIVE_INFINITY;
  return configured ?? Math.max(Math.floor(connectionsMax / 4), 100);
}
