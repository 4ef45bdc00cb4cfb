import { editDistance, unwrap, wordSet } from "./names.ts";
import type { ConfigurationReason } from "./reasons.ts";

/** Where a host is, judged by its spelling alone. Hosts are written as a URL serialises them. */

/** Whether the host is the machine that the browser runs on. */
export function isLoopback(host: string): boolean {
  return isLoopbackName(host) || host === "[::1]" || (host.startsWith("127.") && isIpAddress(host));
}

/** Browsers never resolve these names: https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export function isLoopbackName(host: string): boolean {
  return /^(?:.*\.)?localhost\.?$/.test(host);
}

function isIpAddress(host: string): boolean {
  // A URL writes every host that ends in a number as an IPv4 address.
  return host.startsWith("[") || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(host);
}

/**
 * Origins as text. An exact origin is compared byte for byte, as a browser compares Allow-Origin. Patterns are data, never
 * regular expressions.
 * https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
 */

/** An element of `allowedOrigins` other than "*". */
export interface OriginPattern {
  /** As configured. */
  readonly text: string;
  readonly scheme: string;
  /** The whole host, or what follows the first label when that has a star; empty for `moz-extension://*`. */
  readonly host: string;
  /** What the star in the host stands for; null without one. */
  readonly star: HostStar | null;
  /** Digits; empty for the scheme's default, `*` for any. */
  readonly port: string;
}

/** A star in a host never stands for nothing, and only that of `subdomains` stands for points. */
type HostStar =
  /** `*.`: one or more whole labels. */
  | { readonly kind: "subdomains" }
  /** `app-*-team.`: a part of the first label, between two literals. */
  | { readonly kind: "label"; readonly before: string; readonly after: string }
  /** `moz-extension://*`: the random id that Firefox gives an extension in each installation. */
  | { readonly kind: "extension" };

type LabelStar = Extract<HostStar, { kind: "label" }>;

/** The three parts of an origin; the port is empty when it is the scheme's default. */
interface OriginParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

const portMax = 65_535;
const hostLengthMax = 253;
const labelLengthMax = 63;
const label = /^[a-z0-9_-]{1,63}$/;
const labels = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
/** Begins the label of a name in another script: https://www.rfc-editor.org/rfc/rfc5890#section-2.3.2.1 */
const encoded = "xn--";
const firefoxScheme = "moz-extension";
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The port that a browser leaves out, or an empty string. */
function defaultPort(scheme: string): string {
  if (scheme === "https") return "443";
  return scheme === "http" ? "80" : "";
}

/** Whether `text` is a port as a URL serialises it: 1 to 65535 without leading zeros. */
function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= portMax;
}

/**
 * Splits at `://` and at the colon of the port, without checking the parts.
 *
 * @returns null when there is no `://` or nothing after it.
 */
export function splitOrigin(text: string): OriginParts | null {
  const schemeEnd = text.indexOf("://");
  if (schemeEnd <= 0) return null;
  const hostStart = schemeEnd + 3;
  const bracket = text.indexOf("]", hostStart);
  const colon = text.indexOf(":", bracket < 0 ? hostStart : bracket);
  const host = colon < 0 ? text.slice(hostStart) : text.slice(hostStart, colon);
  if (host === "") return null;
  return { scheme: text.slice(0, schemeEnd), host, port: colon < 0 ? "" : text.slice(colon + 1) };
}

/** Whether the pattern covers `origin`, the value of an Origin header. */
export function covers(pattern: OriginPattern, origin: string): boolean {
  const parts = splitOrigin(origin);
  // A colon without a port is nothing that a browser sends.
  if (parts === null || parts.scheme !== pattern.scheme || origin.endsWith(":")) return false;
  return coversHost(pattern, parts.host) && coversPort(pattern, parts.port);
}

/** Whether the pattern covers a host, with any scheme and port. */
export function coversHost({ host, star }: OriginPattern, asked: string): boolean {
  if (star === null) return asked === host;
  if (star.kind === "extension") return uuid.test(asked);
  if (asked.length > hostLengthMax || !asked.endsWith(`.${host}`)) return false;
  const start = asked.slice(0, -host.length - 1);
  return star.kind === "subdomains" ? labels.test(start) : coversLabel(star, start);
}

function coversLabel({ before, after }: LabelStar, asked: string): boolean {
  const isFilled = asked.length > before.length + after.length && label.test(asked);
  return isFilled && asked.startsWith(before) && asked.endsWith(after) && !asked.startsWith(encoded);
}

function coversPort({ scheme, port }: OriginPattern, asked: string): boolean {
  if (port !== "*") return asked === port;
  return asked === "" || (isPort(asked) && asked !== defaultPort(scheme));
}

/** A port without leading zeros, 1 to 65535. */
const portExpression = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

/** The same rule as {@link covers} as a regular expression, in the syntax that PCRE and JavaScript share, for proxies. */
export function originExpression(pattern: OriginPattern): string {
  const { scheme, port } = pattern;
  const excluded = defaultPort(scheme) === "" ? "" : `(?!${defaultPort(scheme)}$)`;
  const anyPort = `(?::${excluded}${portExpression})?`;
  const portPart = port === "*" ? anyPort : literal(port === "" ? "" : `:${port}`);
  return `^${literal(`${scheme}://`)}${hostExpression(pattern)}${portPart}$`;
}

function hostExpression({ host, star }: OriginPattern): string {
  if (star === null) return literal(host);
  if (star.kind === "extension") return uuid.source.slice(1, -1);
  const shortEnough = `(?=[^:]{1,${hostLengthMax}}(?::|$))`;
  if (star.kind === "subdomains") return `${shortEnough}(?:[a-z0-9_-]{1,${labelLengthMax}}\\.)+${literal(host)}`;
  const { before, after } = star;
  const between = `[a-z0-9_-]{1,${labelLengthMax - before.length - after.length}}`;
  return `${shortEnough}(?!${encoded})${literal(before)}${between}${literal(`${after}.${host}`)}`;
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** What is wrong with one element of `allowedOrigins`. */
interface OriginMistake {
  readonly reason: ConfigurationReason;
  /** What is wrong and how to fix it, without the value. */
  readonly message: string;
  /** What was probably meant, which may have further mistakes; several for a list. */
  readonly meant?: Meant;
}

type Meant = string | readonly string[] | undefined;

type Read = { readonly pattern: OriginPattern } | { readonly mistake: OriginMistake };

/** Electron and Cordova send this for pages in files. Browsers send null: https://github.com/electron/electron/issues/3976 */
const fileOrigin = "file://";

/** Schemes of pages that have an opaque origin, sent as null: https://html.spec.whatwg.org/multipage/browsers.html#concept-origin-opaque */
const opaqueSchemes = wordSet("data blob about javascript filesystem");

/** Schemes from which no page is loaded. */
const pagelessSchemes = wordSet("ws wss ftp mailto");

/**
 * Reads an element of `allowedOrigins` other than "*", as strictly as a browser writes an Origin header. An origin that a
 * mistake suggests is itself correct.
 */
export function readOrigin(text: string): Read {
  const read = readOnce(text);
  if ("pattern" in read) return read;
  const { reason, message, meant } = read.mistake;
  const advised = meant === undefined ? null : correct(meant, correctionsMax);
  return { mistake: { reason, message: advised === null ? message : `${message}: ${advised}` } };
}

const correctionsMax = 8;

/** Corrects one mistake after the other; null when one cannot be corrected. */
function correct(meant: NonNullable<Meant>, left: number): string | null {
  if (typeof meant !== "string") {
    const elements = meant.map((element) => correct(element, left));
    return elements.includes(null) ? null : [...new Set(elements)].join(",");
  }
  if (meant === "*" || meant === "none") return meant;
  const read = readOnce(meant);
  if ("pattern" in read) return meant;
  const { meant: better } = read.mistake;
  return better === undefined || left === 0 ? null : correct(better, left - 1);
}

function readOnce(text: string): Read {
  if (text === fileOrigin) return { pattern: { text, scheme: "file", host: "", star: null, port: "" } };
  const mistake = textMistake(text) ?? schemeMistake(text) ?? restMistake(text);
  if (mistake !== null) return { mistake };
  const parts = splitOrigin(text);
  if (parts === null) return { mistake: invalid("the host is missing: write https://app.example.com") };
  const pattern = { text, scheme: parts.scheme, ...readHost(parts), port: parts.port };
  const partMistake = hostStarMistake(pattern) ?? portMistake(pattern) ?? hostMistake(pattern);
  return partMistake === null ? { pattern } : { mistake: partMistake };
}

/** Splits the host at its first label if that has one star. */
function readHost({ scheme, host }: OriginParts): Pick<OriginPattern, "host" | "star"> {
  if (scheme === firefoxScheme && host === "*") return { host: "", star: { kind: "extension" } };
  if (host.startsWith("*.")) return { host: host.slice(2), star: { kind: "subdomains" } };
  const [first = ""] = host.split(".");
  const [before = "", after = "", ...more] = first.split("*");
  if (!first.includes("*") || first === "*" || more.length > 0) return { host, star: null };
  return { host: host.slice(first.length + 1), star: { kind: "label", before, after } };
}

/** Words that people try instead of an origin, in lower case. */
const words: ReadonlyMap<string, string> = new Map([
  ...["any", "all", "true", "yes", "on"].map((word) => [word, "for every origin write *"] as const),
  ...["none", "no", "false", "off"].map((word) => [word, "for no browser at all write none, alone"] as const),
  ...["undefined", "nan", "nil"].map((word) => [word, "a program left this behind: write an origin"] as const),
]);

/** Text around an origin, or in its place. */
function textMistake(text: string): OriginMistake | null {
  if (/\$\{?[a-z_]|%[a-z_]+%|\{\{|<[a-z_ -]+>|\{[a-z_-]+\}/i.test(text))
    return invalid("a placeholder was never filled in");
  const unwrapped = unwrap(text);
  if (unwrapped !== null) {
    const { advice, inner } = unwrapped;
    if (inner.toLowerCase() === "null") return nullOrigin;
    return inner === "" ? invalid("the value is empty: remove it") : invalid(advice, inner);
  }
  if (text === "") return invalid("the value is empty: remove it");
  const lower = text.toLowerCase();
  if (lower === "null") return nullOrigin;
  const word = words.get(lower);
  if (word !== undefined) return invalid(word);
  if (text.includes("*") && !/[a-z\d]/i.test(text)) return star("for every origin write * and nothing else");
  if (/\\[./]|\\[dsw][+*]|(?:\/\/|^)\.\*|[\^$(]/.test(text)) {
    return star("patterns are not regular expressions: write https://*.example.com or http://localhost:*");
  }
  const named = /^[a-z_-]*origins?\s*[:=]\s*(?=\S)/i.exec(text);
  if (named !== null) return invalid("write the value alone", text.slice(named[0].length));
  return separatorMistake(text);
}

const nullOrigin = mistakeOf(
  "null_origin_prohibited",
  "every sandboxed frame and local file sends null: serve the page from an origin",
);

function separatorMistake(text: string): OriginMistake | null {
  if (!/[\s,;|]/.test(text)) return null;
  const elements = text.split(/[\s,;|]+/).filter((element) => /[a-z\d*]/i.test(element));
  const areOrigins = elements.every((element) => element === "*" || /:\/\/.|\.|^localhost/i.test(element));
  const message = "one origin per element, with commas between them and no spaces";
  return areOrigins && elements.length > 0 ? invalid(message, elements) : invalid(message);
}

function withScheme(host: string): string {
  const { hostname } = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : { hostname: host };
  return `${isLoopback(hostname) ? "http" : "https"}://${host}`;
}

function schemeMistake(text: string): OriginMistake | null {
  const schemeEnd = text.indexOf("://");
  const scheme = text.slice(0, Math.max(schemeEnd, 0));
  if (schemeEnd <= 0) return missingSchemeMistake(text);
  if (scheme === "http" || scheme === "https") return null;
  const rest = text.slice(schemeEnd);
  if (scheme.includes("*")) return star("the scheme cannot be a pattern: list http:// and https:// separately");
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    if (/^[a-z][a-z0-9+.-]*$/i.test(scheme)) {
      return invalid("browsers write the scheme in lower case", `${scheme.toLowerCase()}${rest}`);
    }
    const [last = ""] = scheme.split(/[^a-z0-9+.-]/i).slice(-1);
    const origin = last.replace(/^[^a-z]+/i, "");
    return origin === ""
      ? invalid("this is not a scheme: write https://host")
      : invalid("remove the text before the scheme", `${origin}${rest}`);
  }
  if (scheme === "file") return invalid("pages in files send null, or in Electron and Cordova file:// without a path");
  if (opaqueSchemes.has(scheme)) return opaqueOrigin(scheme);
  if (pagelessSchemes.has(scheme)) {
    const message = `no page is loaded over ${scheme}: write the origin of the page`;
    if (scheme !== "ws" && scheme !== "wss") return invalid(message);
    return invalid(message, `${scheme === "ws" ? "http" : "https"}${rest}`);
  }
  const near = ["https", "http"].find((known) => editDistance(known, scheme) === 1);
  return near === undefined ? null : invalid(`${scheme} is probably a typing error`, `${near}${rest}`);
}

function missingSchemeMistake(text: string): OriginMistake {
  const [, known, afterKnown] = /^(https?)\/\/(.+)$/i.exec(text) ?? [];
  if (known !== undefined) return invalid("a colon is missing", `${known}://${afterKnown}`);
  const bare = text.replace(/^:?\/\//, "");
  if (/^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(bare)) {
    return invalid("the scheme is missing, and an IPv6 address needs brackets", withScheme(`[${bare}]`));
  }
  const [, scheme = ""] = /^([a-z][a-z0-9+.-]*):/i.exec(bare) ?? [];
  const rest = bare.slice(scheme.length + 1).replace(/^[/\\]+/, "");
  if (opaqueSchemes.has(scheme.toLowerCase())) return opaqueOrigin(scheme);
  const isPortAfter = /^(?:\d+|\*)?(?:[/?#].*)?$/.test(rest);
  if (scheme !== "" && !isPortAfter) return invalid("write scheme://host, with two slashes", `${scheme}://${rest}`);
  return invalid("the scheme is missing", withScheme(bare));
}

function opaqueOrigin(scheme: string): OriginMistake {
  return invalid(`${scheme}: pages send the origin null: serve the page over http`);
}

function restMistake(text: string): OriginMistake | null {
  const hostStart = text.indexOf("://") + 3;
  const rest = text.slice(hostStart);
  if (/^[^/?#@\\\s]+\/+$/.test(rest))
    return invalid("drop the trailing slash", text.slice(0, hostStart + rest.indexOf("/")));
  const path = rest.search(/[/?#\\]/);
  if (path >= 0) {
    const message = "an origin ends after host and port";
    return path === 0 ? invalid(message) : invalid(message, text.slice(0, hostStart + path));
  }
  if (rest.includes("@")) {
    const message = "an origin has no user or password: drop everything before the @";
    return invalid(message, `${text.slice(0, hostStart)}${rest.slice(rest.lastIndexOf("@") + 1)}`);
  }
  const colons = rest.split(":").length - 1;
  if (colons > 1 && !/^(?:\*\.)?\[[^[\]]*\](?::[^:]*)?$/.test(rest)) {
    return /[g-z]/i.test(rest)
      ? invalid("an origin has one port")
      : invalid("write an IPv6 address in brackets: http://[::1] or http://[::1]:8080");
  }
  return null;
}

function portMistake({ text, scheme, port }: OriginPattern): OriginMistake | null {
  if (port === "*") return null;
  const withoutPort = text.slice(0, -port.length - 1);
  if (port === "") {
    const message = "drop the colon, or write :* for any port";
    return text.endsWith(":") ? bad(message, text.slice(0, -1)) : null;
  }
  if (port.includes("*"))
    return star("a part of a port cannot be a pattern: write :* for any port", `${withoutPort}:*`);
  if (!isPort(port)) {
    const message = "a port is a number from 1 to 65535 without leading zeros, or *";
    return /^0+[1-9]\d*$/.test(port) ? bad(message, `${withoutPort}:${Number(port)}`) : bad(message);
  }
  if (port !== defaultPort(scheme)) return null;
  return mistakeOf("default_port", `browsers leave out the default port of ${scheme}`, withoutPort);
}

function hostStarMistake({ text, host, scheme, star: hostStar }: OriginPattern): OriginMistake | null {
  if (hostStar?.kind === "extension") {
    const pattern = `${firefoxScheme}://*`;
    return text === pattern ? null : star("an extension has no port", pattern);
  }
  if (host === "*") {
    return scheme === "chrome-extension"
      ? star("an extension has the same id for everybody: list chrome-extension://ID")
      : star("every host: write * alone for every origin, or name a domain");
  }
  const isSubdomains = hostStar?.kind === "subdomains";
  if (host.includes("*") || (isSubdomains && host.includes(".."))) {
    const message = "* can only stand once in the first label, or for whole labels at the start";
    const domain = text.slice(scheme.length + 3).replace(/^[*.]+/, "");
    return domain.includes("*") ? star(`${message}: https://*.example.com`) : star(message, `${scheme}://*.${domain}`);
  }
  if (hostStar === null) return null;
  if (isSubdomains && isIpAddress(host)) return star("an IP address has no subdomains: list each address");
  if (defaultPort(scheme) === "") return star("patterns of hosts are for http and https only");
  return hostStar.kind === "label" ? labelStarMistake(hostStar, text, host) : null;
}

function labelStarMistake({ before, after }: LabelStar, text: string, host: string): OriginMistake | null {
  if (host === "")
    return star("a part of a label can be a pattern only below a domain, as in https://app-*-team.example.com");
  if (before === "" && /^[a-z\d]/i.test(after)) {
    return star(
      "* without a point after it would cover domains of strangers; for whole labels",
      text.replace("*", "*."),
    );
  }
  if (!/^[\w-]*$/.test(before + after) || before.toLowerCase().startsWith(encoded)) {
    return star(
      "a label with a star is written in letters a to z, digits, hyphens and underscores, not encoded: list each host",
    );
  }
  const isBound = [before, after].every((part) => /[a-z\d]/i.test(part));
  return isBound
    ? null
    : star("* needs at least one letter or digit on each side, as in https://app-*-team.example.com");
}

/** A browser never sends a host that the URL standard would write differently. */
function hostMistake({ text, scheme, host, star: hostStar }: OriginPattern): OriginMistake | null {
  if (hostStar?.kind === "extension") return null;
  const characters = "the host may have letters, digits, points, hyphens and underscores";
  if (defaultPort(scheme) === "") return /^[\w.-]+$/.test(host) ? null : invalid(characters);
  const isLabel = hostStar?.kind === "label";
  // A host that the pattern covers shows what a browser would write.
  const covered = isLabel ? `${hostStar.before}x${hostStar.after}.${host}` : host;
  const start = `${scheme}://${hostStar?.kind === "subdomains" ? "*." : ""}`;
  const port = text.slice(start.length + covered.length);
  if (host.startsWith(".") && !isLabel) return invalid("subdomains are written with *", `${scheme}://*${host}${port}`);
  if (!URL.canParse(`${scheme}://${covered}`)) return invalid("this is not a valid host name");
  const serialized = new URL(`${scheme}://${covered}`).host;
  if (serialized !== covered) {
    const starAt = isLabel ? hostStar.before.length : 0;
    const meant = isLabel ? `${serialized.slice(0, starAt)}*${serialized.slice(starAt + 1)}` : serialized;
    return invalid("browsers write this host differently", `${start}${meant}${port}`);
  }
  if (!host.startsWith("[") && !labels.test(covered.replace(/\.$/, ""))) {
    return invalid(`${characters}, in labels of 1 to 63 characters`);
  }
  if (covered.length > hostLengthMax) return invalid("a host name has at most 253 characters");
  return null;
}

function invalid(message: string, meant?: Meant): OriginMistake {
  return mistakeOf("invalid_origin", message, meant);
}

function star(message: string, meant?: Meant): OriginMistake {
  return mistakeOf("invalid_pattern", message, meant);
}

function bad(message: string, meant?: Meant): OriginMistake {
  return mistakeOf("invalid_port", message, meant);
}

function mistakeOf(reason: ConfigurationReason, message: string, meant?: Meant): OriginMistake {
  return { reason, message, meant };
}
