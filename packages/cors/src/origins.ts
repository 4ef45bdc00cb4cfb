/**
 * Origins as text. An exact origin is compared byte for byte, as a browser compares Allow-Origin; a pattern is matched by
 * walking the characters, so nothing that a client sends becomes a regular expression.
 * https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
 */

/** An element of `allowedOrigins` other than "*". */
export interface OriginPattern {
  /** As configured. */
  readonly text: string;
  readonly scheme: string;
  /** In full, or for a pattern of subdomains the part after `*.`. */
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
const labelLengthMax = 63;

/** The port that a browser leaves out, or an empty string. */
export function defaultPort(scheme: string): string {
  if (scheme === "https") return "443";
  if (scheme === "http") return "80";
  return "";
}

/** Whether `text` is a port as a URL serialises it: 1 to 65535 without leading zeros. */
export function isPort(text: string): boolean {
  if (text.length === 0 || text.length > 5 || text.charCodeAt(0) === 0x30) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return Number(text) <= portMax;
}

/**
 * Splits at `://` and at the colon of the port, and judges neither part.
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
  const hostStart = pattern.scheme.length + 3;
  if (!origin.startsWith(pattern.scheme) || !origin.startsWith("://", pattern.scheme.length)) return false;
  const hostEnd = pattern.subdomains
    ? endOfSubdomain(origin, hostStart, pattern.host)
    : endOfHost(origin, hostStart, pattern.host);
  return hostEnd > 0 && coversPort(pattern, origin, hostEnd);
}

function endOfHost(origin: string, start: number, host: string): number {
  return origin.startsWith(host, start) ? start + host.length : -1;
}

function endOfSubdomain(origin: string, start: number, suffix: string): number {
  const colon = origin.indexOf(":", start);
  const end = colon < 0 ? origin.length : colon;
  const labelsEnd = end - suffix.length - 1;
  if (end - start > hostLengthMax || labelsEnd <= start) return -1;
  if (origin.charCodeAt(labelsEnd) !== 0x2e || !origin.startsWith(suffix, labelsEnd + 1)) return -1;
  return areLabels(origin, start, labelsEnd) ? end : -1;
}

/** Whether origin[start, end) is one or more labels of a host name as a URL serialises it. */
function areLabels(origin: string, start: number, end: number): boolean {
  let labelStart = start;
  for (let i = start; i < end; i++) {
    const code = origin.charCodeAt(i);
    if (code === 0x2e) {
      if (i === labelStart || i - labelStart > labelLengthMax) return false;
      labelStart = i + 1;
    } else if (!isLabelCode(code)) {
      return false;
    }
  }
  return labelStart < end && end - labelStart <= labelLengthMax;
}

function isLabelCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}

function coversPort(pattern: OriginPattern, origin: string, hostEnd: number): boolean {
  if (hostEnd === origin.length) return pattern.port === "" || pattern.port === "*";
  if (pattern.port === "" || origin.charCodeAt(hostEnd) !== 0x3a) return false;
  const port = origin.slice(hostEnd + 1);
  if (pattern.port !== "*") return port === pattern.port;
  return isPort(port) && port !== defaultPort(pattern.scheme);
}
