import { isIP } from "node:net";
import { z } from "zod";
import { compile, type Policy, printMistake, readCorsConfig } from "./cors/index.ts";
import { readConnectionUrl } from "./database/index.ts";
import type { AdmissionLimits } from "./operations/index.ts";
import { productionWarnings } from "./production-warnings.ts";

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
  readonly overload: AdmissionLimits & {
    /** Open connections of clients. */
    readonly connectionsMax: number;
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

type Environment = Readonly<Record<string, string | undefined>>;

/** Every mistake of an environment, each naming its variable; the message is the report for people. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
    super([`The environment has ${count}:`, ...mistakes.map((mistake) => `  ${mistake}`)].join("\n"));
    this.name = "ConfigError";
    this.mistakes = mistakes;
  }
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

function wholeNumber(least: number, most: number) {
  const problem = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, problem)
    .transform(Number)
    .pipe(z.number().min(least, problem).max(most, problem));
}

function url(...protocols: string[]) {
  const problem = `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`;
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), problem);
}

const flag = z.enum(["true", "false"], "must be true or false").transform((text) => text === "true");

/** The schema of each variable by itself; absent and empty are alike but for TWIRP_PREFIX. */
const variables = {
  NODE_ENV: z.enum(["development", "production", "test"], "must be development, production or test"),
  HOST: z.string(),
  PORT: wholeNumber(0, 65_535),
  CONSOLE_PORT: z.literal("off").or(wholeNumber(0, 65_535)),
  CONSOLE_API_URL: url("https:", "http:").refine(
    (text) => !URL.canParse(text) || new URL(text).href === `${text}/`,
    "must be an origin alone, as https://api.example.com",
  ),
  DATABASE_URL: z.string(),
  DATA_DIR: z.string(),
  TWIRP_PREFIX: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'must be empty or start with "/" and end without one, as /twirp or /api/twirp'),
  CORS_ALLOWED_ORIGINS: z.string(),
  CORS_ALLOWED_HEADERS: z.string(),
  CORS_EXPOSED_HEADERS: z.string(),
  CORS_ALLOW_CREDENTIALS: flag,
  CORS_MAX_AGE: z.literal("disable").or(wholeNumber(0, 86_400)),
  CORS_PREFLIGHT_STATUS: z.enum(["200", "204"], "must be 200 or 204").transform(Number),
  AUTH_JWKS_URL: url("https:", "http:"),
  AUTH_JWT_SECRET: z.string().refine((text) => Buffer.byteLength(text) >= 32, "must be at least 32 bytes of UTF-8"),
  AUTH_ISSUER: z.string(),
  AUTH_AUDIENCE: z.string(),
  BODY_LIMIT: wholeNumber(1, 1_073_741_824),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000),
  MAX_REQUESTS_IN_FLIGHT: wholeNumber(1, 1_000_000),
  OVERLOAD_EVENT_LOOP_DELAY_MS: wholeNumber(0, 60_000),
  OVERLOAD_HEAP_BYTES: wholeNumber(0, 9_999_999_999),
  OVERLOAD_MEMORY_BYTES: wholeNumber(0, 9_999_999_999),
  RATE_LIMIT_PER_CALLER: wholeNumber(1, 1_000_000),
  RATE_LIMIT_PER_ADDRESS: wholeNumber(1, 1_000_000),
  TRUST_PROXY: z
    .string()
    .refine(
      (text) => commaList(text).every(isNetwork),
      "must be a comma list of addresses, networks as 10.0.0.0/8, loopback, linklocal or uniquelocal",
    )
    .transform(commaList),
  DEMO_DATA: flag,
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`),
  WORKERS: z
    .string()
    .regex(/^(auto|[1-9]|[1-5]\d|6[0-4])$/, "must be auto or a whole number from 1 to 64")
    .transform((text) => (text === "auto" ? text : Number(text))),
  SHUTDOWN_DELAY_MS: wholeNumber(0, 60_000),
};

type VariableName = keyof typeof variables;
type Values = { [Name in VariableName]?: z.infer<(typeof variables)[Name]> | undefined };

/** Prefixes that are ours alone: a variable that has one and is unknown is a mistake. */
const OWN_PREFIXES = [
  "CORS_",
  "AUTH_",
  "TWIRP_",
  "CONSOLE_",
  "DEMO_",
  "BODY_",
  "SHUTDOWN_",
  "OVERLOAD_",
  "RATE_LIMIT_",
];

/** Variables whose values are never repeated in a message. */
const SECRETS: ReadonlySet<string> = new Set(["AUTH_JWT_SECRET", "DATABASE_URL"]);

/** What a page may send: the article's list. */
const ALLOWED_HEADERS = ["authorization", "content-type", "x-requested-with", "accept", "accept-encoding"];

/** What our own client reads of a reply. */
const EXPOSED_HEADERS = ["idempotent-replayed", "retry-after", "www-authenticate", "x-request-id"];

/**
 * Reads the environment.
 *
 * @throws ConfigError with every mistake at once.
 */
export function readConfig(environment: Environment): Config {
  const mistakes = unknownVariables(environment);
  const values = readValues(environment, mistakes);
  const production = values.NODE_ENV === "production";

  const database =
    values.DATABASE_URL === undefined ? undefined : readConnectionUrl(values.DATABASE_URL, { environment });
  if (database?.ok === false) mistakes.push(...database.mistakes.map((mistake) => `DATABASE_URL: ${mistake}`));
  if (production && values.DATABASE_URL === undefined) {
    mistakes.push("DATABASE_URL: is required in production, as postgres://user:password@host:5432/finance");
  }
  if (production && values.CORS_ALLOWED_ORIGINS === undefined) {
    mistakes.push("CORS_ALLOWED_ORIGINS: is required in production; list the origins of your pages, or none");
  }
  const { AUTH_JWKS_URL: jwksUrl, AUTH_JWT_SECRET: secret } = values;
  if (jwksUrl !== undefined && secret !== undefined) {
    mistakes.push("AUTH_JWKS_URL, AUTH_JWT_SECRET: set one of them, not both");
  }
  if (production && isUnset(environment, "AUTH_JWKS_URL") && isUnset(environment, "AUTH_JWT_SECRET")) {
    mistakes.push("AUTH_JWKS_URL or AUTH_JWT_SECRET: one is required in production");
  }
  const cors = compile(corsConfig(values));
  if (!cors.ok) mistakes.push(...cors.mistakes.map(printMistake));
  if (!cors.ok || mistakes.length > 0) throw new ConfigError(mistakes);

  const consolePort = values.CONSOLE_PORT ?? (production ? "off" : 5173);
  return {
    environment: production ? "production" : "development",
    host: values.HOST ?? "127.0.0.1",
    port: values.PORT ?? 9707,
    consolePort: consolePort === "off" || consolePort === 0 ? undefined : consolePort,
    consoleApiUrl: values.CONSOLE_API_URL,
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR ?? ".data",
    twirpPrefix: values.TWIRP_PREFIX ?? "/twirp",
    cors: cors.policy,
    auth: {
      trust: jwksUrl === undefined ? (secret === undefined ? undefined : { secret }) : { jwksUrl },
      issuer: values.AUTH_ISSUER,
      audience: values.AUTH_AUDIENCE,
    },
    bodyLimit: values.BODY_LIMIT ?? 1_048_576,
    overload: {
      connectionsMax: values.MAX_CONNECTIONS ?? 10_000,
      requestsInFlightMax: values.MAX_REQUESTS_IN_FLIGHT ?? 10_000,
      eventLoopDelayMs: values.OVERLOAD_EVENT_LOOP_DELAY_MS ?? 2000,
      heapBytes: values.OVERLOAD_HEAP_BYTES,
      memoryBytes: values.OVERLOAD_MEMORY_BYTES ?? 0,
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

function readValues(environment: Environment, mistakes: string[]): Values {
  const entries = Object.entries(variables).flatMap(([name, schema]) => {
    const text = environment[name]?.trim();
    if (text === undefined || (text === "" && name !== "TWIRP_PREFIX")) return [];
    const parsed = schema.safeParse(text);
    if (parsed.success) return [[name, parsed.data]];
    const shown = SECRETS.has(name) ? "" : `, not ${JSON.stringify(text)}`;
    mistakes.push(`${name}: ${problemOf(parsed.error)}${shown}`);
    return [];
  });
  // Each value came from the schema under its own name.
  return Object.fromEntries(entries) as Values;
}

/** The message of the deepest alternative: for `off` or a number, the number's. */
function problemOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === "invalid_union") return issue.errors.at(-1)?.at(0)?.message ?? issue.message;
  return issue?.message ?? "is invalid";
}

function corsConfig(values: Values) {
  const { CORS_ALLOWED_ORIGINS: origins, CORS_ALLOWED_HEADERS: headers, CORS_EXPOSED_HEADERS: exposed } = values;
  // In production an absent list is a mistake of its own; "none" keeps it from being reported twice.
  const defaultOrigins = values.NODE_ENV === "production" ? ["none"] : ["http://localhost:*", "http://127.0.0.1:*"];
  return readCorsConfig({
    allowedOrigins: origins === undefined ? defaultOrigins : commaList(origins),
    allowedHeaders: headers === undefined ? ALLOWED_HEADERS : commaList(headers),
    exposedHeaders: exposed === undefined ? EXPOSED_HEADERS : commaList(exposed),
    allowCredentials: values.CORS_ALLOW_CREDENTIALS ?? false,
    maxAge: values.CORS_MAX_AGE ?? 86_400,
    preflightStatus: values.CORS_PREFLIGHT_STATUS ?? 204,
  });
}

function commaList(text: string): string[] {
  return text
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
}

function isNetwork(text: string): boolean {
  if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
  const [address = "", bits, more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function isUnset(environment: Environment, name: VariableName): boolean {
  return environment[name] === undefined || environment[name] === "";
}

/** Variables that look like ours and are not: a typing error would else be silent. */
function unknownVariables(environment: Environment): string[] {
  const known = Object.keys(variables);
  return Object.keys(environment).flatMap((name) => {
    if (name in variables) return [];
    const nearest = known.find((candidate) => isTypingErrorOf(name, candidate));
    if (nearest !== undefined) return [`${name}: there is no such variable; did you mean ${nearest}?`];
    if (OWN_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      const siblings = known.filter((candidate) => candidate.startsWith(`${name.split("_")[0]}_`));
      return [`${name}: there is no such variable; there are ${siblings.join(", ")}`];
    }
    return [];
  });
}

/** Whether `name` is one letter more, less or other than `known`, or two neighbours swapped; names of 6 letters or more. */
function isTypingErrorOf(name: string, known: string): boolean {
  if (known.length < 6 || Math.abs(name.length - known.length) > 1) return false;
  let start = 0;
  while (start < known.length && name[start] === known[start]) start += 1;
  const rest = (text: string, from: number) => text.slice(start + from);
  return (
    rest(name, 1) === rest(known, 1) ||
    rest(name, 1) === rest(known, 0) ||
    rest(name, 0) === rest(known, 1) ||
    (rest(name, 2) === rest(known, 2) && name[start] === known[start + 1] && name[start + 1] === known[start])
  );
}
