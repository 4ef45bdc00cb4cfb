/**
 * The environment's variables, each by itself: what it may hold, and which names are none of ours by mistake. How they go
 * together is config.ts's.
 */
import proxyAddr from "@fastify/proxy-addr";
import { z } from "zod";
import { describeUnknownVariable, didYouMean, misspeltNames } from "../../packages/cors/src/doctor/index.ts";
import { commaList, corsVariables } from "../../packages/cors/src/index.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** @param word what may stand in place of a number, for the message. */
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

const flag = z.enum(["true", "false"], "must be true or false").transform((text) => text === "true");

/** The package for CORS reads these itself; here they are only checked, with all others. */
function corsSchemas() {
  const schemas = Object.entries<{ read(text: string): unknown; problem?: string }>(corsVariables).map(
    ([name, { read, problem }]) => [name, z.string().refine((text) => read(text) !== undefined, problem)],
  );
  return Object.fromEntries(schemas) as Record<keyof typeof corsVariables, z.ZodString>;
}

/** The schema of each variable by itself; absent and empty are alike but for TWIRP_PREFIX. */
export const variables = {
  NODE_ENV: z.enum(["development", "production", "test"], "must be development, production or test"),
  HOST: z.string(),
  PORT: wholeNumber(0, 65_535),
  CONSOLE_PORT: z.literal("off").or(wholeNumber(0, 65_535, "off")),
  CONSOLE_API_URL: url("https:", "http:").refine(
    (text) => !URL.canParse(text) || new URL(text).href === `${text}/`,
    "must be an origin alone, such as https://api.example.com",
  ),
  DATABASE_URL: z.string(),
  DATA_DIR: z.string(),
  TWIRP_PREFIX: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'must be empty or start with "/" and end without one, such as /twirp or /api/twirp'),
  ...corsSchemas(),
  AUTH_JWKS_URL: url("https:", "http:"),
  AUTH_JWT_SECRET: z.string().refine((text) => Buffer.byteLength(text) >= 32, "must be at least 32 bytes of UTF-8"),
  AUTH_ISSUER: z.string(),
  AUTH_AUDIENCE: z.string(),
  BODY_LIMIT: wholeNumber(1, 1_073_741_824),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000),
  MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(0, 1_000_000),
  MAX_REQUESTS_IN_FLIGHT: wholeNumber(1, 1_000_000),
  OVERLOAD_EVENT_LOOP_DELAY_MS: wholeNumber(0, 60_000),
  OVERLOAD_HEAP_BYTES: wholeNumber(0, 9_999_999_999),
  OVERLOAD_MEMORY_BYTES: wholeNumber(0, 9_999_999_999),
  OVERLOAD_HELD_BYTES: wholeNumber(0, 9_999_999_999),
  RATE_LIMIT_PER_CALLER: wholeNumber(1, 1_000_000),
  RATE_LIMIT_PER_ADDRESS: wholeNumber(1, 1_000_000),
  TRUST_PROXY: z
    .string()
    .refine(
      (text) => areProxies(commaList(text)),
      "must be a comma list of addresses, networks such as 10.0.0.0/8, loopback, linklocal or uniquelocal",
    )
    .transform(commaList),
  DEMO_DATA: flag,
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`),
  WORKERS: z
    .string()
    .regex(/^(auto|[1-9]|[1-5]\d|6[0-4])$/, "must be auto or a whole number from 1 to 64")
    .transform((text) => (text === "auto" ? text : Number(text))),
  SHUTDOWN_DELAY_MS: wholeNumber(0, 60_000),
  // OpenTelemetry's SDK reads them; with what is no URL it traces nothing and says nothing.
  OTEL_EXPORTER_OTLP_ENDPOINT: url("https:", "http:"),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url("https:", "http:"),
};

type VariableName = keyof typeof variables;
/** What was read of each variable; absent where it is not set, or wrong. */
export type Values = { [Name in VariableName]?: z.infer<(typeof variables)[Name]> | undefined };

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
  "RATE_LIMIT",
  "TRUST_PROX",
  "MAX_CONNECTIONS",
  "MAX_REQUESTS",
];

/** Variables whose values are never repeated in a message. */
const SECRETS: ReadonlySet<string> = new Set(["AUTH_JWT_SECRET", "DATABASE_URL"]);

/** Reads every variable that is set; what is wrong is added to the mistakes. */
export function readValues(environment: Environment, mistakes: string[]): Values {
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

function areProxies(list: readonly string[]): boolean {
  try {
    proxyAddr.compile([...list]);
    return true;
  } catch {
    return false;
  }
}

export function isUnset(environment: Environment, name: VariableName): boolean {
  return environment[name] === undefined || environment[name] === "";
}

/** Variables that look like ours and are not: a typing error would else be silent. */
export function unknownVariables(environment: Environment): string[] {
  const known = Object.keys(variables);
  return Object.keys(environment).flatMap((name) => {
    if (name in variables) return [];
    const isOwn = OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isOwn) return [describeUnknownVariable(name, known)];
    // Other programs have variables too: a short name is rather one of theirs than misspelt.
    const misspelt = name.length < 6 ? [] : misspeltNames(name, known, 1);
    return misspelt.length === 0 ? [] : [`${name}: there is no such variable${didYouMean(misspelt)}`];
  });
}
