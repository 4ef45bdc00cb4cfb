import type { CorsConfig, CorsMistake } from "./policy.ts";

/** The CORS_* variables once their lists are split and their booleans and numbers read. */
export interface CorsEnvironment {
  /** CORS_ALLOWED_ORIGINS; the single element `none` means that no browser calls, `*` that any may. */
  readonly allowedOrigins: readonly string[];
  /** CORS_ALLOWED_HEADERS */
  readonly allowedHeaders: readonly string[];
  /** CORS_EXPOSED_HEADERS */
  readonly exposedHeaders: readonly string[];
  /** CORS_ALLOW_CREDENTIALS */
  readonly allowCredentials: boolean;
  /** CORS_MAX_AGE: seconds, or `disable`. */
  readonly maxAge: number | "disable";
  /** CORS_PREFLIGHT_STATUS */
  readonly preflightStatus: number;
}

/** The configuration of a Twirp server, which is called by POST alone. */
export function readCorsConfig(environment: CorsEnvironment): CorsConfig {
  return {
    allowedOrigins: environment.allowedOrigins,
    allowedMethods: ["POST"],
    allowedHeaders: environment.allowedHeaders,
    exposedHeaders: environment.exposedHeaders,
    credentials: environment.allowCredentials,
    maxAge: environment.maxAge,
    preflightStatus: environment.preflightStatus,
  };
}

const variables: Partial<Record<CorsMistake["option"], string>> = {
  allowedOrigins: "CORS_ALLOWED_ORIGINS",
  allowedHeaders: "CORS_ALLOWED_HEADERS",
  exposedHeaders: "CORS_EXPOSED_HEADERS",
  credentials: "CORS_ALLOW_CREDENTIALS",
  maxAge: "CORS_MAX_AGE",
  preflightStatus: "CORS_PREFLIGHT_STATUS",
};

/** A mistake under the name of the variable to change: `CORS_MAX_AGE: 100000: Choose ...`. */
export function printMistake(mistake: CorsMistake): string {
  return `${variables[mistake.option] ?? mistake.option}: ${mistake.message}`;
}
