/**
 * The environment's variables, each by itself: its values, its default and its meaning, and names that look like ours but
 * are not. config.ts checks how they go together. tools/environment-table.ts writes the table in README.md.
 */
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import proxyAddr from "@fastify/proxy-addr";
import { z } from "zod";
import { describeUnknownVariable, didYouMean, misspeltNames } from "../../packages/cors/src/doctor/index.ts";
import { commaList, corsVariables, readCorsConfig } from "../../packages/cors/src/index.ts";
import { describeReadFailure } from "../start-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** @param word a word that is allowed instead of a number, for the message. */
function wholeNumber(least: number, most: number, word?: string) {
  const problem = `must be ${word === undefined ? "" : `${word} or `}a whole number from ${least} to ${most}`;
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

/** A variable: its allowed texts, its value when it is unset, and its row in README.md. */
interface Variable<Schema extends z.ZodType, Default> {
  readonly schema: Schema;
  readonly default: Default;
  /** The default, in README.md. */
  readonly unset: string;
  readonly meaning: string;
  /** A secret is never repeated in a message, and NAME_FILE may name a file that contains it. */
  readonly secret?: true;
}

function variable<Schema extends z.ZodType>(
  schema: Schema,
  value: NoInfer<z.infer<Schema>>,
  meaning: string,
): Variable<Schema, z.infer<Schema>> {
  return { schema, default: value, unset: `\`${value}\``, meaning };
}

/** A variable whose default is nothing, or depends on others. */
function optional<Schema extends z.ZodType>(
  schema: Schema,
  unset: string,
  meaning: string,
): Variable<Schema, undefined> {
  return { schema, default: undefined, unset, meaning };
}

function secret<Schema extends z.ZodType>(schema: Schema, unset: string, meaning: string): Variable<Schema, undefined> {
  return { ...optional(schema, unset, meaning), secret: true };
}

/** A variable that the package for CORS reads itself; here it is only checked. */
function corsVariable(name: keyof typeof corsVariables, unset: string, meaning: string) {
  const { read, problem }: { read(text: string): unknown; problem?: string } = corsVariables[name];
  return optional(
    z.string().refine((text) => read(text) !== undefined, problem),
    unset,
    meaning,
  );
}

const cors = readCorsConfig({});
const shown = (list: string | readonly string[] | undefined) => `\`${[list].flat().join(",")}\``;

/** All variables, in the order of README.md. An empty text means unset, except for TWIRP_PREFIX. */
const variables = {
  NODE_ENV: optional(
    z.enum(["development", "production", "test"], "must be development, production or test"),
    "`development`",
    "`production` requires a database, origins and keys, and turns the console, demo data and generated secrets off",
  ),
  HOST: variable(
    z.string(),
    "127.0.0.1",
    "address where the API listens; `localhost` means all addresses of that name, `0.0.0.0` or `::` all addresses of the machine",
  ),
  PORT: variable(wholeNumber(0, 65_535), 9707, "port where the API listens; `0` lets the system choose"),
  CONSOLE_PORT: optional(
    z.literal("off").or(wholeNumber(0, 65_535, "off")),
    "`5173`; off in production",
    "where the console listens; `0` or `off` turns it off",
  ),
  CONSOLE_API_URL: optional(
    url("https:", "http:").refine(
      (text) => !URL.canParse(text) || new URL(text).href === `${text}/`,
      "must be an origin alone, such as https://api.example.com",
    ),
    "the API's port on the page's host",
    "the API's origin as browsers see it, if a proxy is in front",
  ),
  DATABASE_URL: secret(
    z.string(),
    "an embedded PostgreSQL in `DATA_DIR`; required in production",
    "PostgreSQL 15 or later, in libpq's form: TLS, several hosts, PgBouncer ([docs/database.md](docs/database.md))",
  ),
  PGPASSWORD: secret(z.string(), "none", "password for `DATABASE_URL` if that has none, written as it is"),
  DATA_DIR: variable(z.string(), ".data", "the embedded database and the development secret"),
  TWIRP_PREFIX: variable(
    z
      .string()
      .regex(/^(\/[\w.~-]+)*$/, 'must be empty or start with "/" and end without one, such as /twirp or /api/twirp'),
    "/twirp",
    "path before the service; may be empty",
  ),
  CORS_ALLOWED_ORIGINS: corsVariable(
    "CORS_ALLOWED_ORIGINS",
    `${shown(cors.allowedOrigins)}; required in production`,
    "comma list of exact origins, `https://*.example.com`, `https://app-*-team.example.com`, `http://localhost:*`; `*` for all; `none` for no browser",
  ),
  CORS_ALLOWED_HEADERS: corsVariable(
    "CORS_ALLOWED_HEADERS",
    shown(cors.allowedHeaders),
    "headers that a page may send",
  ),
  CORS_EXPOSED_HEADERS: corsVariable(
    "CORS_EXPOSED_HEADERS",
    shown(cors.exposedHeaders),
    "reply headers that a page may read",
  ),
  CORS_ALLOW_CREDENTIALS: corsVariable("CORS_ALLOW_CREDENTIALS", `\`${cors.credentials}\``, "cookies; never with `*`"),
  CORS_MAX_AGE: corsVariable(
    "CORS_MAX_AGE",
    `\`${cors.maxAge}\``,
    "seconds that a browser may remember a preflight, or `disable`; Chromium's maximum is 7200",
  ),
  CORS_PREFLIGHT_STATUS: corsVariable("CORS_PREFLIGHT_STATUS", `\`${cors.preflightStatus}\``, "or `200`"),
  AUTH_JWKS_URL: optional(url("https:", "http:"), "none", "URL of the public keys that verify bearer tokens"),
  AUTH_JWT_SECRET: secret(
    z.string().refine((text) => Buffer.byteLength(text) >= 32, "must be at least 32 bytes of UTF-8"),
    "a generated secret in `DATA_DIR`; this or `AUTH_JWKS_URL` is required in production",
    "HS256 key of at least 32 bytes that signs bearer tokens",
  ),
  AUTH_ISSUER: optional(z.string(), "not checked", "`iss` that a token must have"),
  AUTH_AUDIENCE: optional(z.string(), "not checked", "`aud` that a token must have"),
  BODY_LIMIT: variable(wholeNumber(1, 1_073_741_824), 1_048_576, "bytes of a request body"),
  MAX_CONNECTIONS: variable(wholeNumber(1, 1_000_000), 10_000, "open connections"),
  MAX_CONNECTIONS_PER_ADDRESS: optional(
    wholeNumber(0, 1_000_000),
    "a quarter of `MAX_CONNECTIONS`, at least 100",
    "open connections from one address, or from one IPv6 /64 network; `0` for no limit; proxies in `TRUST_PROXY` have none",
  ),
  MAX_REQUESTS_IN_FLIGHT: variable(wholeNumber(1, 1_000_000), 10_000, "requests without a complete reply"),
  OVERLOAD_EVENT_LOOP_DELAY_MS: variable(
    wholeNumber(0, 60_000),
    2000,
    "refuse calls while the event loop is this late, averaged over a second; `0` for no limit",
  ),
  OVERLOAD_HEAP_BYTES: optional(
    wholeNumber(0, 9_999_999_999),
    "nine tenths of V8's limit",
    "refuse calls above this much heap; `0` for no limit",
  ),
  OVERLOAD_MEMORY_BYTES: variable(
    wholeNumber(0, 9_999_999_999),
    0,
    "refuse calls above this much memory of the process; `0` for no limit",
  ),
  OVERLOAD_HELD_BYTES: optional(
    wholeNumber(0, 9_999_999_999),
    "a quarter of V8's limit, at most 256 MiB",
    "bytes that all calls may hold in bodies, results and unread replies; `0` for no limit ([docs/operations.md](docs/operations.md#memory))",
  ),
  RATE_LIMIT_PER_CALLER: optional(
    wholeNumber(1, 1_000_000),
    "no limit",
    "calls per second with one token's `sub`; each transfer of a batch counts as a call",
  ),
  RATE_LIMIT_PER_ADDRESS: optional(wholeNumber(1, 1_000_000), "no limit", "requests per second from one address"),
  TRUST_PROXY: optional(
    z
      .string()
      .refine(
        (text) => areProxies(commaList(text)),
        "must be a comma list of addresses, networks such as 10.0.0.0/8, loopback, linklocal or uniquelocal",
      )
      .transform(commaList),
    "none",
    "trusted proxies, whose `X-Forwarded-For` counts: comma list of addresses, networks such as `10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`",
  ),
  DEMO_DATA: optional(
    z.enum(["true", "false"], "must be true or false").transform((text) => text === "true"),
    "`true` with the embedded database in development",
    "fills an empty ledger once",
  ),
  LOG_LEVEL: variable(
    z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`),
    "info",
    LOG_LEVELS.map((level) => `\`${level}\``).join(" "),
  ),
  WORKERS: optional(
    z
      .string()
      .regex(/^(auto|[1-9]|[1-5]\d|6[0-4])$/, "must be auto or a whole number from 1 to 64")
      .transform((text) => (text === "auto" ? text : Number(text))),
    "one process",
    "1 to 64 supervised processes that share the port, or `auto` for one per core; `SIGHUP` replaces them one by one without a failed call ([docs/operations.md](docs/operations.md))",
  ),
  SHUTDOWN_DELAY_MS: variable(
    wholeNumber(0, 60_000),
    0,
    "milliseconds to keep answering after `SIGTERM`, with `/readyz` at 503, until a load balancer has noticed",
  ),
  // OpenTelemetry's SDK reads these three. Given anything but a URL, it silently traces nothing.
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    url("https:", "http:"),
    "no traces",
    "where to send spans, over OTLP/HTTP ([docs/observability.md](docs/observability.md))",
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optional(url("https:", "http:"), "the same", "the full URL that receives spans"),
  OTEL_EXPORTER_OTLP_HEADERS: secret(z.string(), "none", "headers to send with spans: `name=value,name=value`"),
} satisfies Record<string, Variable<z.ZodType, unknown>>;

const names = Object.keys(variables) as VariableName[];
const isSecret = (name: VariableName) => "secret" in variables[name];
const fileVariable = (name: string) => `${name}_FILE`;

/** The names of all variables, those of secrets' files included. */
export const variableNames: readonly string[] = names.flatMap((name) =>
  isSecret(name) ? [name, fileVariable(name)] : [name],
);

/** The rows of the table in README.md. */
export function variablesTable(): string {
  const rows = names.map((name) => {
    const { unset, meaning } = variables[name];
    const inFile = isSecret(name) ? `; \`${fileVariable(name)}\` names a file with it` : "";
    return `| \`${name}\` | ${unset} | ${meaning}${inFile} |`;
  });
  return ["| variable | default | meaning |", "|---|---|---|", ...rows].join("\n");
}

type VariableName = keyof typeof variables;
/** The value of each variable; undefined without a default when it is unset or wrong. */
export type Values = {
  [Name in VariableName]: z.infer<(typeof variables)[Name]["schema"]> | (typeof variables)[Name]["default"];
};

/** Prefixes that only our variables have: an unknown variable with one of them is a mistake. */
const OWN_PREFIXES = [
  "CORS_",
  "AUTH_",
  "TWIRP_",
  "CONSOLE_",
  "DEMO_",
  "BODY_",
  "SHUTDOWN_",
  "OVERLOAD_",
  "RATE_LIMIT",
  "TRUST_PROX",
  "MAX_CONNECTIONS",
  "MAX_REQUESTS",
];

/** Reads all variables and adds a message to `mistakes` for each wrong one. */
export function readValues(environment: Environment, mistakes: string[]): Values {
  const entries = names.map((name) => {
    const { schema, default: value } = variables[name];
    const text = textOf(environment, name, mistakes);
    if (text === undefined || (text === "" && name !== "TWIRP_PREFIX")) return [name, value];
    const parsed = schema.safeParse(text);
    if (parsed.success) return [name, parsed.data];
    const quoted = isSecret(name) ? "" : `, not ${JSON.stringify(text)}`;
    mistakes.push(`${sourceOf(environment, name)}: ${problemOf(parsed.error)}${quoted}`);
    return [name, value];
  });
  // Each value has the type of its own variable.
  return Object.fromEntries(entries) as Values;
}

function textOf(environment: Environment, name: VariableName, mistakes: string[]): string | undefined {
  const source = sourceOf(environment, name);
  const text = environment[source]?.trim();
  if (source === name || text === undefined) return text;
  if (environment[name]) {
    mistakes.push(`${name}, ${source}: set one of them, not both`);
    return undefined;
  }
  const file = readSecretFile(text);
  if (!("problem" in file)) return file.secret;
  mistakes.push(`${source}: ${text} ${file.problem}`);
  return undefined;
}

/** Whether a secret is in a file: whether NAME_FILE is set. */
export function isFromFile(environment: Environment, name: VariableName): boolean {
  return isSecret(name) && Boolean(environment[fileVariable(name)]?.trim());
}

/** @returns the variable that sets a value, NAME or NAME_FILE, for messages. */
export function sourceOf(environment: Environment, name: VariableName): string {
  return isFromFile(environment, name) ? fileVariable(name) : name;
}

/** Far more than any secret has. */
const SECRET_BYTES_MAX = 65_536;

/** Reads a secret as a shell's $(cat FILE) does: without the newlines at its end. */
function readSecretFile(path: string): { readonly secret: string } | { readonly problem: string } {
  try {
    const stats = statSync(path);
    // Reading a pipe or a device could wait forever.
    if (!stats.isFile() && !stats.isDirectory()) return { problem: "is not a regular file" };
    if (stats.size > SECRET_BYTES_MAX) {
      return { problem: `has ${stats.size} bytes; a secret has at most ${SECRET_BYTES_MAX}` };
    }
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
    let end = text.length;
    while (text[end - 1] === "\n") end -= text[end - 2] === "\r" ? 2 : 1;
    const secret = text.slice(0, end);
    return secret.trim() === "" ? { problem: "is empty" } : { secret };
  } catch (error) {
    if (error instanceof TypeError) return { problem: "is not text in UTF-8" };
    return { problem: `can't be read (${describeReadFailure(error)})` };
  }
}

/** The message of the deepest alternative: for `off` or a number, the number's. */
function problemOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === "invalid_union") return issue.errors.at(-1)?.at(0)?.message ?? issue.message;
  return issue?.message ?? "is invalid";
}

function areProxies(list: readonly string[]): boolean {
  // proxy-addr alone would read 1 as the address 0.0.0.1, and 10/8 as the network 0.0.0.10/8.
  if (!list.every((proxy) => /^[a-z]+$/.test(proxy) || isIP(proxy.replace(/\/\d{1,3}$/, "")) !== 0)) return false;
  try {
    proxyAddr.compile([...list]);
    return true;
  } catch {
    return false;
  }
}

export function isUnset(environment: Environment, name: VariableName): boolean {
  return !environment[sourceOf(environment, name)]?.trim();
}

/** Variables that look like ours but are not, so that a typing error is not silent. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment).flatMap((name) => {
    if (variableNames.includes(name)) return [];
    const isOwn = OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isOwn) return [describeUnknownVariable(name, variableNames)];
    // Other programs have variables too: a short name is more likely theirs than a misspelling.
    const misspelt = name.length < 6 ? [] : misspeltNames(name, variableNames, 1);
    return misspelt.length === 0 ? [] : [`${name}: there is no such variable${didYouMean(misspelt)}`];
  });
}
