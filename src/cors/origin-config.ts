import { isIpAddress, isLoopback } from "./host.ts";
import type { OriginPattern } from "./origin-pattern.ts";
import { defaultPort, isPort, splitOrigin } from "./origin-pattern.ts";
import type { ConfigurationReason } from "./reasons.ts";
import { unwrap } from "./wrapping.ts";

/** What is wrong with one element of `allowedOrigins`. */
interface OriginMistake {
  readonly reason: ConfigurationReason;
  /** What is wrong and the cure, without the value. */
  readonly message: string;
}

type Read = { readonly pattern: OriginPattern } | { readonly mistake: OriginMistake };

/** Electron and Cordova send this of pages in files, where browsers send null: https://github.com/electron/electron/issues/3976 */
const fileOrigin = "file://";

/** Schemes of pages that have an opaque origin, sent as null: https://html.spec.whatwg.org/multipage/browsers.html#concept-origin-opaque */
const opaqueSchemes: ReadonlySet<string> = new Set(["data", "blob", "about", "javascript", "filesystem"]);

/** Schemes of servers that no page is loaded from. */
const pagelessSchemes: ReadonlySet<string> = new Set(["ws", "wss", "ftp", "mailto"]);

/** Reads an element of `allowedOrigins` other than "*", as strictly as a browser writes an Origin header. */
export function readOrigin(text: string): Read {
  if (text === "null") {
    return wrong(
      "null_origin_prohibited",
      "every sandboxed frame and local file sends null: serve the page from an origin",
    );
  }
  if (text === fileOrigin) return { pattern: { text, scheme: "file", host: "", subdomains: false, port: "" } };
  const wrapping = wrappingMistake(text);
  if (wrapping !== null) return { mistake: wrapping };
  const scheme = schemeMistake(text);
  if (scheme !== null) return { mistake: scheme };
  const rest = restMistake(text);
  if (rest !== null) return { mistake: rest };

  const parts = splitOrigin(text);
  if (parts === null) return wrong("invalid_origin", "the host is missing: write https://app.example.com");
  const port = portMistake(text, parts.scheme, parts.port);
  const subdomains = parts.host.startsWith("*.");
  const host = subdomains ? parts.host.slice(2) : parts.host;
  const mistake =
    hostStarMistake(host, parts.scheme, subdomains) ?? port ?? hostMistake(parts.scheme, host, parts.port);
  if (mistake !== null) return { mistake };
  return { pattern: { text, scheme: parts.scheme, host, subdomains, port: parts.port } };
}

function wrappingMistake(text: string): OriginMistake | null {
  const unwrapped = unwrap(text);
  if (unwrapped === null) return null;
  const { advice, inner } = unwrapped;
  if (inner === "") return invalid("the value is empty: remove it");
  if (/[\s,"']/.test(inner)) return invalid(advice);
  return invalid(`${advice}: ${inner.includes("://") || inner === "*" ? inner : withScheme(inner)}`);
}

function withScheme(host: string): string {
  const { hostname } = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : { hostname: host };
  return `${isLoopback(hostname) ? "http" : "https"}://${host}`;
}

function schemeMistake(text: string): OriginMistake | null {
  const schemeEnd = text.indexOf("://");
  if (schemeEnd < 0) {
    if (/^[a-z]+:/i.test(text) && !/^[^:]+:\d+$/.test(text)) return invalid("write scheme://host, with two slashes");
    return invalid(text === "" ? "the value is empty: remove it" : `the scheme is missing: ${withScheme(text)}`);
  }
  const scheme = text.slice(0, schemeEnd);
  if (scheme.includes("*")) return star("the scheme cannot be a pattern: list http:// and https:// apart");
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    return invalid(
      /^[a-z][a-z0-9+.-]*$/i.test(scheme)
        ? `browsers write the scheme in lower case: ${scheme.toLowerCase()}${text.slice(schemeEnd)}`
        : "this is no scheme: write https://host",
    );
  }
  if (scheme === "file") return invalid("pages in files send null, or in Electron and Cordova file:// without a path");
  if (opaqueSchemes.has(scheme)) return invalid(`${scheme}: pages send the origin null: serve the page over http`);
  if (pagelessSchemes.has(scheme)) return invalid(`no page is loaded over ${scheme}: write the origin of the page`);
  return null;
}

function restMistake(text: string): OriginMistake | null {
  const rest = text.slice(text.indexOf("://") + 3);
  const host = /^([^/?#@\\\s]+)\/+$/.exec(rest)?.[1];
  if (host !== undefined) return invalid(`drop the trailing slash: ${text.slice(0, text.length - rest.length)}${host}`);
  if (/[\s,;]/.test(rest)) return invalid("one origin per element, without spaces");
  const path = rest.search(/[/?#\\]/);
  if (path >= 0) {
    const kept = text.slice(0, text.length - rest.length + path);
    return invalid(`an origin ends after host and port${kept.endsWith("://") ? "" : `: ${kept}`}`);
  }
  if (rest.includes("@")) return invalid("an origin holds no user or password: drop what stands before the @");
  const colons = rest.split(":").length - 1;
  if (colons > 1 && !/^(?:\*\.)?\[[^[\]]*\](?::[^:]*)?$/.test(rest)) {
    return invalid("an IPv6 address stands in brackets: http://[::1] or http://[::1]:8080");
  }
  return null;
}

function portMistake(text: string, scheme: string, port: string): OriginMistake | null {
  if (port === "*") return null;
  if (port === "") return text.endsWith(":") ? bad("a colon without a port: drop the colon or write :*") : null;
  if (port.includes("*")) return star("a part of a port cannot be a pattern: write :* for any port");
  if (!isPort(port)) return bad("a port is a number from 1 to 65535 without leading zeros, or *");
  if (port === defaultPort(scheme)) {
    return {
      reason: "default_port",
      message: `browsers leave out the default port of ${scheme}: ${text.slice(0, -port.length - 1)}`,
    };
  }
  return null;
}

function hostStarMistake(host: string, scheme: string, subdomains: boolean): OriginMistake | null {
  if (host === "*") return star("every host: write * alone for every origin, or name a domain");
  if (host.includes("*")) return star("* stands for whole labels at the start only: https://*.example.com");
  if (!subdomains) return null;
  if (isIpAddress(host)) return star("an IP address has no subdomains: list each address");
  if (defaultPort(scheme) === "") return star("subdomain patterns are for http and https only");
  return null;
}

/** Lets the URL standard judge the host: what it would write differently, a browser never sends. */
function hostMistake(scheme: string, host: string, port: string): OriginMistake | null {
  if (defaultPort(scheme) === "") {
    return /^[\w.-]+$/.test(host)
      ? null
      : invalid("the host may hold letters, digits, points, hyphens and underscores");
  }
  let serialized: string;
  try {
    serialized = new URL(`${scheme}://${host}`).host;
  } catch {
    return invalid("this is no valid host name");
  }
  const suffix = port === "" ? "" : `:${port}`;
  if (serialized !== host) return invalid(`browsers write this host as ${scheme}://${serialized}${suffix}`);
  if (!host.startsWith("[") && !/^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/.test(host)) {
    return invalid(
      "the host may hold letters, digits, points, hyphens and underscores, in labels of 1 to 63 characters",
    );
  }
  if (host.length > 253) return invalid("a host name has at most 253 characters");
  return null;
}

function wrong(reason: ConfigurationReason, message: string): Read {
  return { mistake: { reason, message } };
}

function invalid(message: string): OriginMistake {
  return { reason: "invalid_origin", message };
}

function star(message: string): OriginMistake {
  return { reason: "invalid_pattern", message };
}

function bad(message: string): OriginMistake {
  return { reason: "invalid_port", message };
}
