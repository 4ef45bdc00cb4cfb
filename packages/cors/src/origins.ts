import { BlockList, isIP } from "node:net";
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
  return host.startsWith("[") || isIP(host) === 4;
}

/** https://wicg.github.io/local-network-access/#ip-address-space-section */
const localNetworks = new BlockList();
localNetworks.addSubnet("0.0.0.0", 8, "ipv4");
localNetworks.addSubnet("10.0.0.0", 8, "ipv4");
localNetworks.addSubnet("100.64.0.0", 10, "ipv4");
localNetworks.addSubnet("127.0.0.0", 8, "ipv4");
localNetworks.addSubnet("169.254.0.0", 16, "ipv4");
localNetworks.addSubnet("172.16.0.0", 12, "ipv4");
localNetworks.addSubnet("192.168.0.0", 16, "ipv4");
localNetworks.addSubnet("::", 127, "ipv6");
localNetworks.addSubnet("fc00::", 7, "ipv6");
localNetworks.addSubnet("fe80::", 10, "ipv6");

/** Whether the host is a private or link-local address, or a name that ends in `.local`. */
export function isLocalNetwork(host: string): boolean {
  if (/\.local\.?$/.test(host)) return true;
  if (host.startsWith("[")) return localNetworks.check(host.slice(1, -1), "ipv6");
  return isIpAddress(host) && localNetworks.check(host, "ipv4");
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
  /** For a pattern of subdomains, the part after `*.`. */
  readonly host: string;
  /** One or more whole labels stand before `host`. */
  readonly subdomains: boolean;
  /** Digits; empty for the scheme's default, `*` for any. */
  readonly port: string;
}

/** The three parts of an origin; the port is empty when it is the scheme's default. */
interface OriginParts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

const portMax = 65_535;
const hostLengthMax = 253;
const labels = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;

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

function coversHost({ host, subdomains }: OriginPattern, asked: string): boolean {
  if (!subdomains) return asked === host;
  if (asked.length > hostLengthMax || !asked.endsWith(`.${host}`)) return false;
  return labels.test(asked.slice(0, -host.length - 1));
}

function coversPort({ scheme, port }: OriginPattern, asked: string): boolean {
  if (port !== "*") return asked === port;
  return asked === "" || (isPort(asked) && asked !== defaultPort(scheme));
}

/** A port without leading zeros, 1 to 65535. */
const portExpression = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

/** The same rule as {@link covers} as a regular expression, in the syntax that PCRE and JavaScript share, for proxies. */
export function originExpression({ text, scheme, host, subdomains, port }: OriginPattern): string {
  if (!subdomains && port !== "*") return `^${literal(text)}$`;
  const labelsBefore = subdomains ? `(?=[^:]{1,${hostLengthMax}}(?::|$))(?:[a-z0-9_-]{1,63}\\.)+` : "";
  const excluded = defaultPort(scheme) === "" ? "" : `(?!${defaultPort(scheme)}$)`;
  const anyPort = `(?::${excluded}${portExpression})?`;
  return `^${literal(`${scheme}://`)}${labelsBefore}${literal(host)}${port === "*" ? anyPort : literal(port === "" ? "" : `:${port}`)}$`;
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
  if (text === fileOrigin) return { pattern: { text, scheme: "file", host: "", subdomains: false, port: "" } };
  const mistake = textMistake(text) ?? schemeMistake(text) ?? restMistake(text);
  if (mistake !== null) return { mistake };
  const parts = splitOrigin(text);
  if (parts === null) return { mistake: invalid("the host is missing: write https://app.example.com") };
  const subdomains = parts.host.startsWith("*.");
  const host = subdomains ? parts.host.slice(2) : parts.host;
  const { scheme, port } = parts;
  const pattern = { text, scheme, host, subdomains, port };
  const partMistake = hostStarMistake(pattern) ?? portMistake(pattern) ?? hostMistake(pattern);
  return partMistake === null ? { pattern } : { mistake: partMistake };
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

function hostStarMistake({ text, host, scheme, subdomains }: OriginPattern): OriginMistake | null {
  if (host === "*") return star("every host: write * alone for every origin, or name a domain");
  if (host.includes("*") || (subdomains && host.includes(".."))) {
    const message = "* can only stand for whole labels at the start";
    const domain = text.slice(scheme.length + 3).replace(/^[*.]+/, "");
    return domain.includes("*") ? star(`${message}: https://*.example.com`) : star(message, `${scheme}://*.${domain}`);
  }
  if (!subdomains) return null;
  if (isIpAddress(host)) return star("an IP address has no subdomains: list each address");
  if (defaultPort(scheme) === "") return star("subdomain patterns are for http and https only");
  return null;
}

/** A browser never sends a host that the URL standard would write differently. */
function hostMistake({ text, scheme, host, subdomains }: OriginPattern): OriginMistake | null {
  const characters = "the host may have letters, digits, points, hyphens and underscores";
  if (defaultPort(scheme) === "") return /^[\w.-]+$/.test(host) ? null : invalid(characters);
  const start = `${scheme}://${subdomains ? "*." : ""}`;
  const port = text.slice(start.length + host.length);
  if (host.startsWith(".")) return invalid("subdomains are written with *", `${scheme}://*${host}${port}`);
  if (!URL.canParse(`${scheme}://${host}`)) return invalid("this is not a valid host name");
  const serialized = new URL(`${scheme}://${host}`).host;
  if (serialized !== host) return invalid("browsers write this host differently", `${start}${serialized}${port}`);
  if (!host.startsWith("[") && !labels.test(host.replace(/\.$/, ""))) {
    return invalid(`${characters}, in labels of 1 to 63 characters`);
  }
  if (host.length > hostLengthMax) return invalid("a host name has at most 253 characters");
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
