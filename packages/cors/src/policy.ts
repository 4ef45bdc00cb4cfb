import { parse } from "tldts";
import {
  forbiddenMethods,
  isForbiddenRequestHeader,
  isForbiddenResponseHeader,
  isProtocolHeader,
  isToken,
  normalizedMethods,
  safelistedResponseHeaders,
  unwrap,
} from "./names.ts";
import { isLoopback, type OriginPattern, originExpression, readOrigin } from "./origins.ts";
import { type ConfigurationReason, explain } from "./reasons.ts";

/**
 * Whether anyone may register names directly under `host`, by the public suffix list (https://publicsuffix.org): at a
 * registry, as under com and co.uk, or as a customer of one company, as under github.io and vercel.app. An unknown name of
 * one label counts as a registry's, except localhost.
 *
 * @param host a valid host name in lower case, not an IP address.
 * @returns null when nobody but the owner of `host` can.
 */
export function publicSuffixKind(host: string): "registry" | "company" | null {
  const name = host.replace(/\.$/, "");
  if (name === "localhost") return null;
  // For a rule such as *.ck, the names under ck are themselves suffixes.
  for (const suffix of [name, `any.${name}`]) {
    const { publicSuffix, isPrivate } = parse(suffix, { allowPrivateDomains: true });
    if (publicSuffix === suffix) return isPrivate === true ? "company" : "registry";
  }
  return null;
}

/** The CORS settings of a deployment. */
export interface CorsConfig {
  /**
   * `"*"` for every origin, `"none"` for no browser at all, or a list of exact origins (`https://app.example.com`),
   * `https://*.example.com` (one or more whole labels), `https://app-*-team.example.com` (a part of the first label),
   * `http://localhost:*` (any port or none), both combined, or `moz-extension://*` (every extension in Firefox).
   */
  readonly allowedOrigins: "*" | "none" | readonly string[];
  /** Case-sensitive; `"*"` for any. GET, HEAD and POST always pass in a browser. Default: none listed. */
  readonly allowedMethods?: readonly string[];
  /** Request headers, in any case; `"*"` for any but authorization, which must be named. Default: none. */
  readonly allowedHeaders?: readonly string[];
  /** Response headers that a page may read in addition to the safelisted ones; `"*"` only without credentials. Default: none. */
  readonly exposedHeaders?: readonly string[];
  /** Whether pages may send cookies and TLS certificates. A bearer token does not need this. Default: false. */
  readonly credentials?: boolean;
  /** Seconds, 1 to 86400; null leaves the header out (browsers then keep 5 s); `"disable"` sends 0. Default: null. */
  readonly maxAge?: number | null | "disable";
  /** Answers the preflights of Private Network Access, which Chrome has put on hold. Default: false. */
  readonly privateNetwork?: boolean;
  /** Status of a preflight whose origin is allowed: 200 or 204. Default: 204. */
  readonly preflightStatus?: number;
  /** Accepts plain http origins together with credentials. Default: false; loopback hosts are always accepted. */
  readonly allowInsecureOrigins?: boolean;
}

/** One thing that is wrong with a configuration, or deserves a warning. */
export interface CorsMistake {
  readonly reason: ConfigurationReason;
  readonly option: keyof CorsConfig;
  /** The element at fault, as configured. */
  readonly value: unknown;
  /** The value, what is wrong and how to fix it. */
  readonly message: string;
}

/** A configuration in the form that requests are checked against. Only `compile` makes one. */
export interface Policy {
  readonly anyOrigin: boolean;
  /** Compared byte for byte. */
  readonly exactOrigins: ReadonlySet<string>;
  readonly originPatterns: readonly OriginPattern[];
  /** Every listed origin, exact or not, to find the nearest one. */
  readonly origins: readonly OriginPattern[];
  readonly anyMethod: boolean;
  readonly methods: ReadonlySet<string>;
  readonly anyHeader: boolean;
  /** In lower case. */
  readonly headers: ReadonlySet<string>;
  /** In lower case, without the safelisted ones. */
  readonly exposedHeaders: readonly string[];
  readonly credentials: boolean;
  readonly privateNetwork: boolean;
  readonly preflightStatus: number;
  /** Ready header values; empty when the header is left out. */
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  /** Origins that let strangers in. This is safe only if replies without credentials are for everybody. */
  readonly warnings: readonly CorsMistake[];
}

/** Either a policy or every mistake at once, in the order of the options. */
export type Compilation =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly mistakes: readonly CorsMistake[] };

const maxAgeMax = 86_400;

/**
 * Checks a configuration and compiles it once. It does not throw, and lists all mistakes.
 *
 * @example
 * const compilation = compile({ allowedOrigins: ["https://app.example.com/"] });
 * // { ok: false, mistakes: [{ reason: "invalid_origin", message: "... drop the trailing slash: https://app.example.com" }] }
 */
export function compile(config: CorsConfig): Compilation {
  const mistakes: CorsMistake[] = [];
  const warnings: CorsMistake[] = [];
  const reportTo =
    (list: CorsMistake[]): Report =>
    (reason, option, value, message = explain(reason).fix) => {
      list.push({ reason, option, value, message: `${printed(value)}: ${message}` });
    };
  const report = reportTo(mistakes);
  const credentials = config.credentials ?? false;
  const origins = compileOrigins(config, credentials, report, reportTo(warnings));
  const methods = compileMethods(config.allowedMethods ?? [], report);
  const headers = compileRequestHeaders(config.allowedHeaders ?? [], report);
  const exposed = compileExposedHeaders(config.exposedHeaders ?? [], credentials, report);
  const maxAge = compileMaxAge(config.maxAge ?? null, report);
  const preflightStatus = config.preflightStatus ?? 204;
  if (preflightStatus !== 200 && preflightStatus !== 204) {
    report("invalid_preflight_status", "preflightStatus", preflightStatus);
  }
  if (mistakes.length > 0) return { ok: false, mistakes };

  const anyMethod = methods.delete("*");
  const anyHeader = headers.delete("*");
  const exposedHeaders = exposed.has("*") ? ["*"] : [...exposed];
  return {
    ok: true,
    policy: {
      ...origins,
      anyMethod,
      methods,
      anyHeader,
      headers,
      exposedHeaders,
      credentials,
      privateNetwork: config.privateNetwork ?? false,
      preflightStatus,
      // With credentials, browsers read * as a name, so `decide` lists the names that the request asks for.
      allowMethods: anyMethod && !credentials ? "*" : [...methods].join(", "),
      allowHeaders: [...(anyHeader && !credentials ? ["*"] : []), ...headers].join(", "),
      exposeHeaders: exposedHeaders.join(", "),
      maxAge,
      warnings,
    },
  };
}

type Report = (reason: ConfigurationReason, option: keyof CorsConfig, value: unknown, message?: string) => void;
type CompiledOrigins = Pick<Policy, "anyOrigin" | "exactOrigins" | "originPatterns" | "origins">;

function compileOrigins(config: CorsConfig, credentials: boolean, report: Report, warn: Report): CompiledOrigins {
  const { allowedOrigins } = config;
  const listed = typeof allowedOrigins === "string" ? [allowedOrigins] : allowedOrigins;
  if (listed.length === 0) report("missing", "allowedOrigins", listed);
  const origins: OriginPattern[] = [];
  let anyOrigin = false;
  for (const value of listed) {
    if (value === "none") {
      if (listed.length > 1)
        report("invalid_origin", "allowedOrigins", value, "none can't be combined with origins: remove it or them");
    } else if (value === "*") {
      anyOrigin = true;
      if (credentials) report("wildcard_origin_with_credentials", "allowedOrigins", value);
    } else {
      const read = readOrigin(value);
      if ("mistake" in read) report(read.mistake.reason, "allowedOrigins", value, read.mistake.message);
      else origins.push(read.pattern);
    }
  }
  for (const origin of origins) {
    const isInsecure = origin.scheme === "http" && !isLoopback(origin.host) && config.allowInsecureOrigins !== true;
    if (credentials && isInsecure) report("insecure_origin_with_credentials", "allowedOrigins", origin.text);
    judgeStrangers(origin, credentials ? report : warn, report);
  }
  const isExact = (origin: OriginPattern): boolean => origin.star === null && origin.port !== "*";
  return {
    anyOrigin,
    exactOrigins: new Set(origins.filter(isExact).map((origin) => origin.text)),
    originPatterns: origins.filter((origin) => !isExact(origin)),
    origins,
  };
}

/** Reports a pattern that covers pages of strangers. */
function judgeStrangers({ text, host, star }: OriginPattern, report: Report, refuse: Report): void {
  if (star?.kind === "extension") report("any_extension", "allowedOrigins", text);
  if (star?.kind === "subdomains" && publicSuffixKind(host) !== null) report("public_suffix", "allowedOrigins", text);
  if (star?.kind !== "label") return;
  const kind = publicSuffixKind(host);
  if (kind === null) return;
  const stranger = `${star.before}x${star.after}.${host}`;
  const message = `anyone can register ${stranger}; list the origins, or name a domain that is yours`;
  // A company's customers choose names for their projects; at a registry, the star would be in the domain itself.
  (kind === "company" ? report : refuse)("public_suffix", "allowedOrigins", text, message);
}

function compileMethods(listed: readonly string[], report: Report): Set<string> {
  const methods = new Set<string>();
  for (const value of listed) {
    const upper = value.toUpperCase();
    if (!isName(value)) {
      const advice = adviceForName(value) ?? "a method is one word, for example POST";
      report("invalid_method", "allowedMethods", value, advice);
    } else if (forbiddenMethods.has(upper)) report("forbidden_method", "allowedMethods", value);
    else if (normalizedMethods.has(upper)) methods.add(upper);
    else if (value !== upper) {
      // https://fetch.spec.whatwg.org/#concept-method-normalize leaves "patch" as it is, and servers do not know it.
      report("invalid_method", "allowedMethods", value, `method names are case-sensitive: ${upper}`);
    } else methods.add(value);
  }
  return methods;
}

function compileRequestHeaders(listed: readonly string[], report: Report): Set<string> {
  const headers = new Set<string>();
  for (const value of listed) {
    const name = value.toLowerCase();
    if (!isName(value)) report("invalid_header", "allowedHeaders", value, adviceForName(value));
    else if (isForbiddenRequestHeader(name)) report("forbidden_header", "allowedHeaders", value);
    else if (isProtocolHeader(name)) report("prohibited_header", "allowedHeaders", value);
    else headers.add(name);
  }
  return headers;
}

function compileExposedHeaders(listed: readonly string[], credentials: boolean, report: Report): Set<string> {
  const headers = new Set<string>();
  for (const value of listed) {
    const name = value.toLowerCase();
    if (value === "*" && credentials) report("wildcard_expose_with_credentials", "exposedHeaders", value);
    else if (!isName(value)) report("invalid_header", "exposedHeaders", value, adviceForName(value));
    else if (isForbiddenResponseHeader(name)) report("forbidden_header", "exposedHeaders", value);
    else if (isProtocolHeader(name)) report("prohibited_header", "exposedHeaders", value);
    else if (!safelistedResponseHeaders.has(name)) headers.add(name);
  }
  return headers;
}

/** Tokens may contain quotes, but no real name does. */
function isName(value: string): boolean {
  return isToken(value) && unwrap(value) === null;
}

function adviceForName(value: string): string | undefined {
  const unwrapped = unwrap(value);
  if (unwrapped !== null && isToken(unwrapped.inner)) return `${unwrapped.advice}: ${unwrapped.inner}`;
  const names = value.split(/[\s,;]+/).filter((name) => name !== "");
  const isList = names.length > 1 && names.every(isName);
  return isList ? `one name per element, with commas between them and no spaces: ${names.join(",")}` : undefined;
}

function compileMaxAge(value: number | null | "disable", report: Report): string {
  if (value === null) return "";
  if (value === "disable") return "0";
  if (!Number.isInteger(value) || value < 1 || value > maxAgeMax) report("max_age_out_of_bounds", "maxAge", value);
  return String(value);
}

function printed(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}

/**
 * A policy in the form that HAProxy can apply to its own replies, when no server answers: file names and their contents.
 *
 * `origins` has one regular expression per line; a page whose origin matches one may read the reply. `headers` maps a name
 * to a value, and lacks headers that are not sent. It contains `access-control-allow-origin` only for the policy `*`.
 *
 * One thing differs from `decide`: with credentials and `*` for request headers, only the named ones pass a preflight.
 */
export function policyForProxy(policy: Policy): { readonly origins: string; readonly headers: string } {
  const values = {
    "access-control-allow-origin": policy.anyOrigin ? "*" : "",
    "access-control-allow-credentials": policy.credentials ? "true" : "",
    "access-control-allow-methods": policy.allowMethods,
    "access-control-allow-headers": policy.allowHeaders,
    "access-control-expose-headers": policy.exposeHeaders,
  };
  const lines = Object.entries(values).filter(([, value]) => value !== "");
  const expressions = policy.anyOrigin ? [] : policy.origins.map(originExpression);
  return {
    origins: expressions.map((expression) => `${expression}\n`).join(""),
    headers: lines.map(([name, value]) => `${name} ${value}\n`).join(""),
  };
}
