/** The policy from environment variables, as servers and the doctor's --from-config read it. */
import { describeUnknownVariable } from "./command-line.ts";
import { type CorsConfig, type CorsMistake, compile, type Policy } from "./policy.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

interface CorsVariable {
  readonly option: keyof CorsConfig;
  /** @returns undefined for a text that has no meaning. */
  readonly read: (text: string) => CorsConfig[keyof CorsConfig];
  /** What the text must be. */
  readonly problem?: string;
}

/** Each CORS_* variable: the option that it sets, and how its text is read. */
export const corsVariables = {
  CORS_ALLOWED_ORIGINS: { option: "allowedOrigins", read: commaList },
  CORS_ALLOWED_HEADERS: { option: "allowedHeaders", read: commaList },
  CORS_EXPOSED_HEADERS: { option: "exposedHeaders", read: commaList },
  CORS_ALLOW_CREDENTIALS: {
    option: "credentials",
    read: (text) => (text === "true" ? true : text === "false" ? false : undefined),
    problem: "must be true or false",
  },
  CORS_MAX_AGE: {
    option: "maxAge",
    read: (text) =>
      text === "disable" ? text : /^\d{1,10}$/.test(text) && Number(text) <= 86_400 ? Number(text) : undefined,
    problem: "must be disable or a whole number from 0 to 86400",
  },
  CORS_PREFLIGHT_STATUS: {
    option: "preflightStatus",
    read: (text) => (["200", "204"].includes(text) ? Number(text) : undefined),
    problem: "must be 200 or 204",
  },
} as const satisfies Readonly<Record<string, CorsVariable>>;

const variables: readonly (readonly [name: string, variable: CorsVariable])[] = Object.entries(corsVariables);

/** For a Twirp server, which is called by POST alone, and for the pages and the client that come with ours. */
const DEFAULTS = {
  allowedMethods: ["POST"],
  allowedHeaders: ["authorization", "content-type", "x-requested-with", "accept", "accept-encoding", "idempotency-key"],
  exposedHeaders: ["idempotent-replayed", "retry-after", "www-authenticate", "x-request-id"],
  credentials: false,
  maxAge: 86_400,
  preflightStatus: 204,
} satisfies Partial<CorsConfig>;

/** The configuration that the CORS_* variables describe. A variable that is unset, empty or wrong keeps its default. */
export function readCorsConfig(environment: Environment): CorsConfig {
  const values = variables.map(([name, { option, read }]) => {
    const text = textOf(environment, name);
    return [option, text === "" ? undefined : read(text)] as const;
  });
  return {
    ...DEFAULTS,
    // In production `missingOrigins` reports a missing list; "none" avoids a second report.
    allowedOrigins: isProduction(environment) ? ["none"] : ["http://localhost:*", "http://127.0.0.1:*"],
    ...Object.fromEntries(values.filter(([, value]) => value !== undefined)),
  };
}

/** Reads the policy from the environment, or all mistakes in it, one line each. */
export function readCorsPolicy(
  environment: Environment,
): { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly mistakes: readonly string[] } {
  const known = Object.keys(corsVariables);
  const compilation = compile(readCorsConfig(environment));
  const mistakes = [
    ...Object.keys(environment)
      .filter((name) => name.startsWith("CORS_") && !known.includes(name))
      .map((name) => describeUnknownVariable(name, known)),
    ...variables.flatMap(([name, { read, problem }]) => {
      const text = textOf(environment, name);
      return text === "" || read(text) !== undefined ? [] : [`${name}: ${problem}, not ${JSON.stringify(text)}`];
    }),
    ...missingOrigins(environment),
    ...(compilation.ok ? [] : compilation.mistakes.map(printMistake)),
  ];
  return compilation.ok && mistakes.length === 0 ? compilation : { ok: false, mistakes };
}

/** The mistake of a production environment without a list of origins; else empty. */
export function missingOrigins(environment: Environment): string[] {
  if (!isProduction(environment) || textOf(environment, "CORS_ALLOWED_ORIGINS") !== "") return [];
  return ["CORS_ALLOWED_ORIGINS: is required in production; list the origins of your pages, or none"];
}

/** A mistake under the name of the variable to change: `CORS_MAX_AGE: 100000: Choose ...`. */
export function printMistake({ option, message }: CorsMistake): string {
  const [name] = variables.find(([, variable]) => variable.option === option) ?? [option];
  return `${name}: ${message}`;
}

/** All mistakes of an environment as one text for people. */
export function describeMistakes(mistakes: readonly string[]): string {
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  return [`The environment has ${count}:`, ...mistakes.map((mistake) => `  ${mistake}`)].join("\n");
}

/** The elements of a list, without the empty ones. */
export function commaList(text: string): string[] {
  return text
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
}

function textOf(environment: Environment, name: string): string {
  return environment[name]?.trim() ?? "";
}

function isProduction(environment: Environment): boolean {
  return textOf(environment, "NODE_ENV") === "production";
}
