import { TwirpError } from "./twirp-ts.ts";

const NAMED: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

// Letters, marks, numbers, punctuation, symbols and the plain space are printable; the rest is escaped.
const ESCAPED = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** Quotes text as Go's `%q` does, so that error messages are the same. https://pkg.go.dev/strconv#Quote */
export function quote(text: string): string {
  return `"${text.replace(ESCAPED, escapeCharacter)}"`;
}

const EXCERPT_MAX = 200;

/** Quotes the first 200 characters of a text, which may be as long as a body. */
export function quoteStart(text: string): string {
  return text.length <= EXCERPT_MAX ? quote(text) : `${quote(text.slice(0, EXCERPT_MAX))}…`;
}

function escapeCharacter(character: string): string {
  const named = NAMED.get(character);
  if (named !== undefined) return named;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return "\ufffd";
  if (codePoint < 0x80) return `\\x${codePoint.toString(16).padStart(2, "0")}`;
  if (codePoint < 0x10000) return `\\u${codePoint.toString(16).padStart(4, "0")}`;
  return `\\U${codePoint.toString(16).padStart(8, "0")}`;
}

/** The served paths, to explain why another one matches no route. */
export interface PathTable {
  readonly prefix: string;
  /** Full service names, as `finance.v1.FinanceService`, also in Go's spelling. */
  readonly services: Pick<ReadonlySet<string>, "has">;
}

/** A path as `[<prefix>]/[<package>.]<Service>/<Method>`. */
export interface TwirpPath {
  readonly prefix: string;
  readonly service: string;
  readonly method: string;
}

const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * The path of a request target: without the query, which may hold secrets, and without scheme and host. A `#` is part of
 * the path, as in Go, because targets have no fragment. A host alone, as in CONNECT, has no path.
 */
export function pathOfTarget(target: string): string {
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  const isOriginForm = target.startsWith("/");
  const rest = isOriginForm ? target : target.replace(ABSOLUTE_FORM, "");
  const query = rest.indexOf("?");
  const path = query === -1 ? rest : rest.slice(0, query);
  return isOriginForm || path.startsWith("/") || path === "*" ? path : "";
}

/** The head of a request as Node reads it. */
interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** The path of a request with its percent escapes decoded. */
export function pathOf({ url = "" }: RequestHead): string {
  return decodePath(pathOfTarget(url));
}

/** Leaves the path as it is if an escape is broken. */
function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether a request target names exactly this route; an escaped slash is data, never a separator. */
export function isExactPath(target: string, route: string): boolean {
  if (target === route) return true;
  const path = pathOfTarget(target);
  return path === route || decodePath(path.replace(/%2f/gi, "%252F")) === route;
}

/** Splits a path at its last two slashes. https://twitchtv.github.io/twirp/docs/routing.html */
export function splitPath(path: string): TwirpPath {
  const beforeMethod = path.lastIndexOf("/");
  if (beforeMethod === -1) return { prefix: "", service: "", method: "" };
  const head = path.slice(0, beforeMethod);
  const beforeService = head.lastIndexOf("/");
  return {
    prefix: beforeService === -1 ? "" : head.slice(0, beforeService),
    service: head.slice(beforeService + 1),
    method: path.slice(beforeMethod + 1),
  };
}

/** The error of a request that reached no method. It names the first problem in Go's order. */
export function badRoute(request: RequestHead, table: PathTable): TwirpError {
  return badRouteError(describeMiss(request.method ?? "", pathOf(request), table), request);
}

/** A `bad_route` error with the meta that Twirp servers send. */
export function badRouteError(msg: string, request: RequestHead): TwirpError {
  return new TwirpError("bad_route", msg).withMeta("twirp_invalid_route", `${request.method ?? ""} ${pathOf(request)}`);
}

function describeMiss(httpMethod: string, path: string, table: PathTable): string {
  if (httpMethod !== "POST") return `unsupported method ${quote(httpMethod)} (only POST is allowed)`;
  const { prefix, service } = splitPath(path);
  if (table.services.has(service) && prefix !== table.prefix) {
    return `invalid path prefix ${quote(prefix)}, expected ${quote(table.prefix)}, on path ${quote(path)}`;
  }
  return `no handler for path ${quote(path)}`;
}

/**
 * The names under which a service or method answers: as written in the .proto, and in the CamelCase that Go clients
 * send by default. https://github.com/twitchtv/twirp/blob/main/docs/routing.md
 */
export function namesOf(protoName: string): readonly string[] {
  const camelCased = goCamelCase(protoName);
  return camelCased === protoName ? [protoName] : [protoName, camelCased];
}

/**
 * protoc-gen-go's CamelCase: a lower-case letter becomes a capital at the start, after a digit, and after `_`, which is
 * dropped; a leading `_` becomes `X`.
 */
export function goCamelCase(name: string): string {
  if (name.startsWith("_")) return `X${goCamelCase(name.slice(1))}`;
  return name.replace(/(^|_|\d)([a-z])/g, (_match, before: string, letter: string) =>
    before === "_" ? letter.toUpperCase() : before + letter.toUpperCase(),
  );
}
