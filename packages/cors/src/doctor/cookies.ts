/**
 * Whether a browser keeps the cookies that a reply sets, and sends them with the page's next call: RFC 6265bis as Chromium
 * implements it, https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-storage-model.
 */
import { trimValue } from "../names.ts";
import { isLoopback } from "../origins.ts";

/** The registrable domain of a host, one label below its public suffix; the host itself if there is none. */
export type SiteOf = (host: string) => string;

/** A guess without the list of public suffixes: the last two labels. */
export function guessSite(host: string): string {
  const isName = /[a-z]$/.test(host);
  return isName ? host.split(".").slice(-2).join(".") : host;
}

/** Who set the cookie, and for which page. */
export interface CookieSource {
  /** The origin of the page. */
  readonly origin: string;
  /** The URL that answered. */
  readonly url: URL;
  readonly siteOf: SiteOf;
}

/** Why a browser drops a cookie, in the order in which the reasons are reported, with how to fix it. */
export const cookieProblems = {
  invalid: {
    meaning: "it is empty, has a control character, or is longer than 4096 bytes",
    fix: "send name=value with fewer bytes; encode other characters",
  },
  domain: {
    meaning: "its Domain is not the server's host or a parent of it, or is a public suffix",
    fix: "leave Domain out, or name a parent domain of your own",
  },
  prefix: {
    meaning: "its name has a prefix whose conditions it does not meet",
    fix: "__Secure- needs Secure; __Host- also Path=/ and no Domain; __Http- and __Host-Http- also HttpOnly",
  },
  secure_over_http: {
    meaning: "it is Secure, and the server is on plain http and not on localhost",
    fix: "serve the API over https",
  },
  none_without_secure: {
    meaning: "SameSite=None needs Secure",
    fix: "SameSite=None; Secure",
  },
  partitioned_without_secure: {
    meaning: "Partitioned needs Secure",
    fix: "SameSite=None; Secure; Partitioned",
  },
  same_site_missing: {
    meaning: "without SameSite it is Lax, and the page is on another site",
    fix: "SameSite=None; Secure, over https; or serve page and API from one site, over the same scheme",
  },
  same_site: {
    meaning: "it is SameSite=Lax or Strict, and the page is on another site",
    fix: "SameSite=None; Secure, over https; or serve page and API from one site, over the same scheme",
  },
} as const;

export type CookieProblem = keyof typeof cookieProblems;

/** A cookie of a reply. Its value is left out, because it is a secret. */
export interface JudgedCookie {
  readonly name: string;
  /** Empty if the browser keeps it. */
  readonly problems: readonly CookieProblem[];
  /** Whether page and server are on different sites, so that browsers treat it as a third party's. */
  readonly thirdParty: boolean;
  /** Whether it stays apart for each site of a page, which browsers accept where they block third-party cookies. */
  readonly partitioned: boolean;
  /** Whether the reply deletes it. */
  readonly expires: boolean;
}

const cookieBytesMax = 4096;
const attributeBytesMax = 1024;

/** Judges the value of one Set-Cookie line. */
export function judgeCookie(line: string, source: CookieSource, now = Date.now()): JudgedCookie {
  const { name, value, attributes } = parseCookie(line);
  const { url, siteOf } = source;
  const secure = attributes.has("secure");
  const sameSite = attributes.get("samesite")?.toLowerCase();
  const partitioned = attributes.has("partitioned");
  const thirdParty = isThirdParty(source);
  const checks: Readonly<Record<CookieProblem, boolean>> = {
    invalid: isInvalid(name, value, attributes),
    domain: !isDomainAllowed(attributes.get("domain") ?? "", url.hostname, siteOf),
    prefix: name === "" ? namePrefix.test(value) : !isPrefixAllowed(name, attributes, url),
    secure_over_http: secure && !isSecure(url),
    none_without_secure: sameSite === "none" && !secure,
    partitioned_without_secure: partitioned && !secure,
    same_site_missing: thirdParty && (sameSite === undefined || !knownSameSite.test(sameSite)),
    same_site: thirdParty && (sameSite === "lax" || sameSite === "strict"),
  };
  // Object.keys forgets the names.
  const problems = (Object.keys(cookieProblems) as CookieProblem[]).filter((problem) => checks[problem]);
  return { name, problems, thirdParty, partitioned, expires: isExpired(attributes, now) };
}

const knownSameSite = /^(?:none|lax|strict)$/;

/** https://html.spec.whatwg.org/multipage/browsers.html#same-site: the scheme counts too. */
export function isThirdParty({ origin, url, siteOf }: CookieSource): boolean {
  if (!URL.canParse(origin)) return true;
  const page = new URL(origin);
  return page.protocol !== url.protocol || siteOf(page.hostname) !== siteOf(url.hostname);
}

/** What a browser does with the cookie, and how to change that, for people. */
export function describeCookie({ name, problems, partitioned, expires }: JudgedCookie): string {
  const cookie = `The cookie ${name === "" ? "without a name" : name}`;
  if (problems.length === 0) {
    if (expires) return `${cookie} is deleted.`;
    return `${cookie} is stored${partitioned ? ", apart for each site whose pages call," : ""} and sent with the page's next calls.`;
  }
  const reasons = problems.map((problem) => cookieProblems[problem].meaning).join("; ");
  const fixes = new Set(problems.map((problem) => cookieProblems[problem].fix));
  return `${cookie} is not ${expires ? "deleted" : "stored"}: ${reasons}. Fix: ${[...fixes].join("; ")}.`;
}

interface ParsedCookie {
  readonly name: string;
  readonly value: string;
  /** Names in lower case; of several with the same name, the last. */
  readonly attributes: ReadonlyMap<string, string>;
}

function parseCookie(line: string): ParsedCookie {
  const [pair = "", ...rest] = line.split(";");
  const [name, value] = pair.includes("=") ? splitPair(pair) : ["", trimValue(pair)];
  const attributes = new Map(
    rest
      .map(splitPair)
      .filter(([, text]) => text.length <= attributeBytesMax)
      .map(([key, text]) => [key.toLowerCase(), text]),
  );
  return { name, value, attributes };
}

function splitPair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [trimValue(text), ""] : [trimValue(text.slice(0, at)), trimValue(text.slice(at + 1))];
}

function isInvalid(name: string, value: string, attributes: ParsedCookie["attributes"]): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Chromium refuses exactly these
  const hasControl = [name, value, ...[...attributes].flat()].some((text) => /[\0-\x1f\x7f]/.test(text));
  const length = name.length + value.length;
  return hasControl || length === 0 || length > cookieBytesMax;
}

function isDomainAllowed(attribute: string, host: string, siteOf: SiteOf): boolean {
  const domain = attribute.replace(/^\./, "").toLowerCase();
  if (attribute === "" || domain === host) return true;
  const site = siteOf(host);
  const isOwn = domain === site || domain.endsWith(`.${site}`);
  return isOwn && host.endsWith(`.${domain}`);
}

/** A cookie without a name may not have one in its value, because servers would read it as a name. */
const namePrefix = /^__(secure|host-http|host|http)-/i;

/** https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-cookie-name-prefixes */
function isPrefixAllowed(name: string, attributes: ParsedCookie["attributes"], url: URL): boolean {
  const [, prefix = ""] = namePrefix.exec(name) ?? [];
  const kind = prefix.toLowerCase();
  if (kind === "") return true;
  const ofHost = attributes.get("path") === "/" && (attributes.get("domain") ?? "") === "";
  const isSecureCookie = attributes.has("secure") && isSecure(url);
  return (
    isSecureCookie && (ofHost || !kind.startsWith("host")) && (attributes.has("httponly") || !kind.endsWith("http"))
  );
}

/** Chromium takes Secure cookies from http://localhost too. */
function isSecure(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url.hostname);
}

function isExpired(attributes: ParsedCookie["attributes"], now: number): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined && /^[+-]?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  const expires = readDate(attributes.get("expires") ?? "");
  return expires !== null && expires <= now;
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

/**
 * The time in milliseconds; null if browsers cannot read it and ignore it. Date.parse accepts other texts.
 * https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-dates
 */
function readDate(text: string): number | null {
  let [day, month, year]: (number | undefined)[] = [];
  let time: number[] | undefined;
  for (const token of text.toLowerCase().split(/[\t -/;-@[-`{-~]+/)) {
    const clock = /^(\d{1,2}):(\d{1,2}):(\d{1,2})/.exec(token)?.slice(1);
    const monthAt = months.indexOf(token.slice(0, 3));
    if (monthAt >= 0) month ??= monthAt;
    else if (clock !== undefined) time ??= clock.map(Number);
    else if (!/^\d+$/.test(token)) continue;
    else if (day === undefined && token.length <= 2) day = Number(token);
    else if (token.length <= 5) year ??= Number(token);
  }
  if (day === undefined || month === undefined || year === undefined || time === undefined) return null;
  const [hours = 0, minutes = 0, seconds = 0] = time;
  const date = new Date(0);
  date.setUTCFullYear(year < 70 ? year + 2000 : year < 100 ? year + 1900 : year, month, day);
  const isValid = date.getUTCDate() === day && hours < 24 && minutes < 60 && seconds < 60;
  return isValid ? date.setUTCHours(hours, minutes, seconds) : null;
}
