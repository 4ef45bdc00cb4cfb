/**
 * Recognises what browsers print in their consoles, in a text that someone pasted: with source locations before it, several
 * lines, and quotes and line breaks that a chat changed. The wordings are those of explanations.ts, and older ones.
 */

import { isToken } from "../names.ts";
import { checkAllowOrigin, type Finding, finding, type Header } from "./checks.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { type Explanation, explanations, type FailureCode, noSuccess } from "./explanations.ts";
import { assumedPlace } from "./local-network-access.ts";
import { codesOfNetError } from "./net-errors.ts";
import { placeholderFor } from "./page-request.ts";

export type BrowserName = "chrome" | "firefox" | "safari";

/** A recognised message. */
export interface ConsoleMessage {
  readonly browser: BrowserName;
  /** The part of the text that was recognised, its white space reduced and its quotes unified. */
  readonly text: string;
  readonly facts: MessageFacts;
  /** What the message can mean, the most frequent first; empty if only a part of it is known. */
  readonly causes: readonly MessageCause[];
  /** What else is to be said, for people; null for nothing. */
  readonly note: string | null;
  /** The arguments of `cors-doctor` that check it live; null without a URL. */
  readonly check: readonly string[] | null;
}

/** What a message says about the call; null for what it does not say. */
export interface MessageFacts {
  readonly url: string | null;
  readonly origin: string | null;
  /** The URL that the page called, if a redirect led to `url`. */
  readonly redirectedFrom: string | null;
  /** What the page asked for, such as `fetch`, `XMLHttpRequest`, `font`, `script`. */
  readonly resource: string | null;
  /** Whether the message names the preflight. */
  readonly preflight: boolean;
  readonly method: string | null;
  readonly status: number | null;
  /** The header value, header name or method that the message names. */
  readonly value: string | null;
}

export interface MessageCause {
  readonly code: FailureCode;
  /** As if a check had ended this way, for `fixesFor`; what the message does not say is made up. */
  readonly diagnosis: Diagnosis;
}

/** More is cut off: a console line with a long URL has about 2000 characters. */
const textLengthMax = 20_000;

/** Stand for what the message does not say. */
const unknownOrigin = "https://your-page.example";
const unknownUrl = "https://your-api.example/";

/** All kinds of quotes become ', the links of chats their URLs, and all white space one space. */
function normalize(text: string): string {
  return text
    .replace(/&(?:#39|apos|quot|#34|lsquo|rsquo|ldquo|rdquo|#x27);/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/<(https?:[^\s<>|]+)(?:\|[^<>]*)?>/g, "$1")
    .replace(/\[(https?:[^\s[\]]+)\]\([^\s()[]+\)/g, "$1")
    .replace(/["`´‘’‚‛“”„‟′″«»‹›]/g, "'")
    .replace(/\s+/g, " ")
    .trim();
}

/** What a placeholder of a template can stand for. */
const patterns: Readonly<Record<string, string>> = {
  url: "[^\\s']+",
  origin: "[^\\s']+?",
  sent_origin: "[^\\s']+?",
  method: "[^\\s']+",
  status: "\\d+|\\(null\\)",
};
const anyValue = ".{0,400}?";
/** A value at the end of a template ends where the next message begins. */
const lastValue = ".{1,400}?(?=$| Fetch API cannot load| XMLHttpRequest cannot load| Cross-Origin| Access to )";

/** Makes a template recognise its own texts, with or without quotes, and those of older versions without a status. */
function compile(template: string): RegExp {
  const [start = ""] = normalize(template).split(" Have the server send the header", 1);
  const [beforeList = "", list] = start.split("protocol schemes: ", 2);
  const plain = (list === undefined ? beforeList : `${beforeList}protocol schemes:`).replace(
    /\.? Status code: \{status\}\.?$/,
    "{end_status}",
  );
  const parts = plain.split(/\{(\w+)\}/);
  const seen = new Set<string>();
  const source = parts.map((part, index) => {
    if (index % 2 === 0)
      return part
        .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
        .replaceAll("'", "'?")
        .replaceAll("'?'? ", "(?:'?'? )?");
    if (part === "end_status") return "(?:\\.? Status code: (?<status>\\d+|\\(null\\))\\.?)?";
    if (seen.has(part)) return `\\k<${part}>`;
    seen.add(part);
    const isLast = index === parts.length - 2 && parts.at(-1) === "";
    return `(?<${part}>${patterns[part] ?? (isLast ? lastValue : anyValue)})`;
  });
  return new RegExp(source.join(""), "gi");
}

interface Template {
  readonly browser: BrowserName;
  readonly pattern: RegExp;
  /** Several codes can have the same text. */
  readonly codes: readonly FailureCode[];
  readonly note: string | null;
  /** Whether it is too short to be recognised without the words around it. */
  readonly needsFrame: boolean;
}

const shortLength = 24;

function templatesOf(browser: BrowserName, textOf: (explanation: Explanation) => string | null): Template[] {
  const byText = new Map<string, FailureCode[]>();
  // Object.entries forgets the names.
  for (const [code, explanation] of Object.entries(explanations) as [FailureCode, Explanation][]) {
    const text = textOf(explanation);
    if (text === null || text.startsWith("net::")) continue;
    const codes = byText.get(text);
    if (codes === undefined) byText.set(text, [code]);
    else codes.push(code);
  }
  return [...byText].map(([text, codes]) => template(browser, text, codes));
}

function template(
  browser: BrowserName,
  text: string,
  codes: readonly FailureCode[],
  note: string | null = null,
): Template {
  return { browser, pattern: compile(text), codes, note, needsFrame: text.length < shortLength };
}

const obsoletePreflight =
  "Chrome 104 to 141 could ask a server in the local network for this header. Since Chrome 142 it asks the user instead, and the header has no effect.";
const schemeOfCall =
  "Without a redirect, the page itself called such a URL: a file, or an address without http:// such as localhost:8080.";
const pageView =
  "The code of the page sees this for every failure. The line in the console says why: explain that one.";
const secondLine = "Chrome prints this after the line that says why it blocked the call: explain that one.";

/** Wordings of earlier versions, and messages that name no cause. */
const otherTemplates: readonly Template[] = [
  template(
    "chrome",
    "A wildcard '*' cannot be used in the 'Access-Control-Allow-Origin' header when the credentials flag is true.",
    ["wildcard_origin_with_credentials"],
  ),
  template(
    "chrome",
    "Credentials flag is 'true', but the 'Access-Control-Allow-Credentials' header is '{value}'. It must be 'true' to allow credentials.",
    ["credentials_not_allowed"],
  ),
  template("chrome", "Response for preflight has invalid HTTP status code {status}", ["preflight_status"]),
  template("chrome", "Invalid HTTP status code {status}", ["preflight_status"]),
  template("chrome", "Response for preflight is invalid (redirect)", ["preflight_redirect"]),
  template(
    "chrome",
    "The request was redirected to '{value}', which is disallowed for cross-origin requests that require preflight.",
    ["preflight_redirect"],
  ),
  template("chrome", "Request header field {value} is not allowed by Access-Control-Allow-Headers.", [
    "header_not_allowed",
  ]),
  template("chrome", "Method {value} is not allowed by Access-Control-Allow-Methods.", ["method_not_allowed"]),
  template("chrome", "Origin {sent_origin} is not allowed by Access-Control-Allow-Origin.", [
    "allow_origin_missing",
    "origin_not_allowed",
  ]),
  template(
    "chrome",
    "No 'Access-Control-Allow-Private-Network' header was present in the preflight response for this private network request targeting the '{value}' address space.",
    [],
    obsoletePreflight,
  ),
  template(
    "chrome",
    "The 'Access-Control-Allow-Private-Network' header in the preflight response",
    [],
    obsoletePreflight,
  ),
  template("chrome", "TypeError: Failed to fetch", [], pageView),
  template("firefox", "CORS preflight channel did not succeed)", ["preflight_status"]),
  template(
    "firefox",
    "missing token '{value}' in CORS header 'Access-Control-Allow-Headers' from CORS preflight channel)",
    ["header_not_allowed"],
  ),
  template("firefox", "CORS request failed)", ["connection_failed"]),
  template("firefox", "CORS request not HTTP)", ["redirect_scheme"], schemeOfCall),
  template(
    "firefox",
    "CORS disabled)",
    [],
    "CORS is switched off in about:config: content.cors.disable must be false.",
  ),
  template("firefox", "NetworkError when attempting to fetch resource", [], pageView),
  template("safari", "TypeError: Load failed", [], pageView),
];

const templates: readonly Template[] = [
  ...templatesOf("chrome", ({ chrome }) => chrome),
  ...templatesOf("firefox", ({ firefox = noSuccess }) => firefox),
  ...templatesOf("safari", ({ safari }) => safari),
  ...otherTemplates,
];

/** The words around a reason, which name the call. */
interface Frame {
  readonly browser: BrowserName;
  /** `before`: the reason follows; `after`: it precedes; `alone`: there is none. */
  readonly place: "before" | "after";
  readonly pattern: RegExp;
}

const preflightPrefix = "(?<preflight>Response to preflight request doesn'?t pass access control check: )?";
const url = (name: string) => `'?(?<${name}>[^\\s']+?)'?`;

const frames: readonly Frame[] = [
  {
    browser: "chrome",
    place: "before",
    pattern: new RegExp(
      `Access to (?:the )?(?<resource>[\\w ]{1,40}?) at ${url("url")} (?:\\(redirected from ${url("from")}\\) )?from origin ${url("origin")} has been blocked by CORS policy: ${preflightPrefix}`,
      "gi",
    ),
  },
  {
    browser: "chrome",
    place: "before",
    pattern: new RegExp(
      `Redirect (?:at ${url("at")} )?from ${url("url")} to ${url("to")} has been blocked by CORS policy: ${preflightPrefix}`,
      "gi",
    ),
  },
  {
    browser: "chrome",
    place: "before",
    pattern: new RegExp(
      `(?:(?<resource>XMLHttpRequest|Fetch API) cannot load|Failed to load) ${url("url")}[.:] ${preflightPrefix}`,
      "gi",
    ),
  },
  {
    browser: "chrome",
    place: "before",
    pattern: new RegExp(
      `(?<resource>\\w{1,40}) from origin ${url("url")} has been blocked from \\w+ by Cross-Origin Resource Sharing policy: ${preflightPrefix}`,
      "gi",
    ),
  },
  {
    browser: "firefox",
    place: "before",
    pattern: new RegExp(
      `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${url("url")}\\.? (?:\\(Reason: |This can be fixed )`,
      "gi",
    ),
  },
  {
    browser: "safari",
    place: "after",
    pattern: new RegExp(
      `(?<resource>Fetch API|XMLHttpRequest) cannot load ${url("url")} due to access control checks`,
      "gi",
    ),
  },
];

/** What the developer tools may print between Safari's two lines: the file and the line of the script. */
const gapMax = 120;

/** Finds all messages in a text, in order; none if nothing is known. It never throws. */
export function explainLine(text: string): ConsoleMessage[] {
  const plain = normalize(text.slice(0, textLengthMax));
  const found = [...findFramed(plain), ...findNetErrors(plain)];
  // Of two at the same place, the longer one knows more.
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  const separate: Match[] = [];
  for (const match of found) if (match.start >= (separate.at(-1)?.end ?? 0)) separate.push(match);
  return separate.map((match) => describeMatch(plain, match));
}

interface Match {
  readonly browser: BrowserName;
  readonly start: number;
  readonly end: number;
  readonly codes: readonly FailureCode[];
  readonly groups: Readonly<Record<string, string | undefined>>;
  readonly note: string | null;
}

/** Finds reasons, each with its frame, if there is one, and frames without a known reason. */
function findFramed(text: string): Match[] {
  const framed = frames.flatMap(({ browser, place, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({ ...spanOf(match), browser, place })),
  );
  const reasons = templates.flatMap((template) =>
    [...text.matchAll(template.pattern)].map((match) => ({ ...spanOf(match), template })),
  );
  const matches = reasons.flatMap(({ template, start, end, groups }): Match[] => {
    const { codes, note, needsFrame } = template;
    const before = framed.find((frame) => frame.place === "before" && frame.end === start);
    const after = framed.find(({ place, start }) => place === "after" && start >= end && start - end <= gapMax);
    const frame = before ?? (template.browser === "safari" ? after : undefined);
    if (frame === undefined) return needsFrame ? [] : [{ browser: template.browser, start, end, codes, groups, note }];
    const whole = { start: Math.min(start, frame.start), end: Math.max(end, frame.end) };
    return [{ ...whole, browser: frame.browser, codes, groups: { ...groups, ...frame.groups }, note }];
  });
  const note = "The reason that it names is not known here; it may be new, very old or translated.";
  return [...matches, ...framed.map((frame) => ({ ...frame, codes: [], note }))];
}

function spanOf(match: RegExpExecArray) {
  const { index: start, groups = {} } = match;
  return { start, end: start + match[0].length, groups };
}

const netError = /(?<error>net::ERR_[\w.]+)(?: (?<status>\d{3})\b)?/gi;
const resourceFailed = "Failed to load resource: ";

function findNetErrors(text: string): Match[] {
  return [...text.matchAll(netError)].flatMap((match): Match[] => {
    const { start, end, groups } = spanOf(match);
    const call = callBefore(text, start);
    if (call === null) return [];
    const error = groups["error"] ?? "";
    const codes = codesOfNetError(error);
    const note = codes.length === 0 ? (noteOfError(error) ?? secondLine) : null;
    return [{ browser: "chrome", start: call.start, end, codes, groups: { ...groups, ...call.groups }, note }];
  });
}

/** The words before an error that name its call: a URL, perhaps with a method. */
function callBefore(text: string, end: number): Pick<Match, "start" | "groups"> | null {
  if (text.slice(Math.max(0, end - resourceFailed.length), end).toLowerCase() === resourceFailed.toLowerCase())
    return { start: end - resourceFailed.length, groups: {} };
  if (text[end - 1] !== " ") return null;
  const urlStart = text.lastIndexOf(" ", end - 2) + 1;
  const [word = ""] = /https?:[^\s']+/i.exec(text.slice(urlStart, end)) ?? [];
  if (word === "") return null;
  const methodStart = urlStart < 2 ? 0 : text.lastIndexOf(" ", urlStart - 2) + 1;
  const method = text.slice(methodStart, Math.max(0, urlStart - 1));
  return /^[A-Z]{3,20}$/i.test(method)
    ? { start: methodStart, groups: { method, url: word } }
    : { start: urlStart, groups: { url: word } };
}

function noteOfError(text: string): string | null {
  const error = text.toUpperCase();
  if (error.includes("BLOCKED_BY_CLIENT"))
    return "An extension of the browser blocked the call, such as an ad blocker.";
  if (error.includes("BLOCKED_BY_CSP"))
    return "The Content-Security-Policy of the page forbids the call: add the API to connect-src.";
  if (error.includes("BLOCKED_BY_RESPONSE")) {
    return "Cross-Origin-Resource-Policy, or another header of the reply, forbids the page to load it.";
  }
  if (error.includes("ABORTED")) return "The page cancelled the call, or was left.";
  return null;
}

function describeMatch(text: string, match: Match): ConsoleMessage {
  const { browser, start, end, groups } = match;
  // Until 2018 Chrome named the origin and the status after the reason.
  const tail = text.slice(end, end + gapMax);
  const latest = /^.{0,40}?Origin '?(?<origin>[^\s']+?)'? is therefore not allowed access/i.exec(tail);
  const oldStatus = /The response had HTTP status code (\d+)/.exec(tail)?.[1];
  const said = (name: string): string | null => groups[name] ?? null;
  const status = Number(said("status") ?? oldStatus);
  const value = said("value");
  const facts: MessageFacts = {
    url: said("url"),
    origin: said("origin") ?? said("sent_origin") ?? latest?.groups?.["origin"] ?? null,
    redirectedFrom: said("from"),
    resource: said("resource"),
    preflight: said("preflight") !== null || /preflight/i.test(text.slice(start, end)),
    method: said("method"),
    status: Number.isInteger(status) && status > 0 ? status : null,
    value,
  };
  const codes = orderCodes(match.codes, facts);
  const isDirectScheme = browser === "chrome" && codes.includes("redirect_scheme") && facts.redirectedFrom === null;
  return {
    browser,
    text: text.slice(start, end).trim(),
    facts,
    causes: codes.map((code) => ({ code, diagnosis: imagineDiagnosis(code, facts) })),
    note: match.note ?? (isDirectScheme ? schemeOfCall : null),
    check: argumentsFor(facts, codes),
  };
}

/** Puts the code first that the value or the status speaks for. */
function orderCodes(codes: readonly FailureCode[], facts: MessageFacts): FailureCode[] {
  const likely = codes.length < 2 ? undefined : likelyCode(facts);
  return likely !== undefined && codes.includes(likely)
    ? [likely, ...codes.filter((code) => code !== likely)]
    : [...codes];
}

function likelyCode({ value, status, origin }: MessageFacts): FailureCode | undefined {
  if (value === null)
    return status === null ? undefined : status >= 300 && status <= 399 ? "preflight_redirect" : "preflight_status";
  const elements = value.split(",").map((element) => element.trim());
  if (new Set(elements).size < elements.length || (elements.length > 1 && elements.includes("*")))
    return "allow_origin_repeated";
  return allowOriginFinding(value, origin)?.code;
}

function allowOriginFinding(value: string, origin: string | null): Finding | null {
  return checkAllowOrigin({ origin: origin ?? unknownOrigin, credentials: false }, [
    ["access-control-allow-origin", value],
  ]);
}

const originCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "origin_not_allowed",
  "invalid_origin",
  "allow_origin_list",
]);
const credentialsCodes: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "wildcard_origin_with_credentials",
  "credentials_not_allowed",
]);

function imagineDiagnosis(code: FailureCode, facts: MessageFacts): Diagnosis {
  const { url, origin, redirectedFrom, preflight, status } = facts;
  const value = facts.value ?? "";
  const target = url !== null && URL.canParse(url) ? url : unknownUrl;
  const called = redirectedFrom !== null && URL.canParse(redirectedFrom) ? redirectedFrom : target;
  const hint = originCodes.has(code) && origin !== null ? (allowOriginFinding(value, origin)?.hint ?? null) : null;
  const refused = refusedHeaders(code, value);
  const found: Finding = { ...finding(code, value, hint), refused };
  return {
    page: {
      url: new URL(called),
      origin: origin ?? unknownOrigin,
      method: methodOf(code, facts),
      headers: refused.map((name): Header => [name, placeholderFor(name)]),
      body: null,
      credentials: credentialsCodes.has(code) ? "include" : "same-origin",
    },
    allowed: false,
    crossOrigin: true,
    steps: [],
    failure: {
      ...found,
      stage: preflight ? "preflight" : "request",
      url: target,
      preflighted: false,
      sentOrigin: origin ?? unknownOrigin,
      status,
      findings: [found],
    },
    preflightCache: null,
    reply: null,
    place: assumedPlace,
    permissions: [],
    cookies: [],
  };
}

function refusedHeaders(code: FailureCode, value: string): string[] {
  if (code === "wildcard_without_authorization") return ["authorization"];
  return code === "header_not_allowed" && isToken(value) ? [value.toLowerCase()] : [];
}

function methodOf(code: FailureCode, { method, value }: MessageFacts): string {
  return (code === "method_not_allowed" && value !== null && isToken(value) ? value : method) ?? "GET";
}

/** The options that make the doctor send the same call, as far as it is known. */
function argumentsFor(facts: MessageFacts, [code]: readonly FailureCode[]): string[] | null {
  const { url, origin, redirectedFrom, preflight } = facts;
  const called = redirectedFrom ?? url;
  if (called === null || !URL.canParse(called)) return null;
  const args = [called, "--origin", origin ?? "ORIGIN"];
  const names = code === undefined ? [] : refusedHeaders(code, facts.value ?? "");
  const method = code === undefined ? facts.method : methodOf(code, facts);
  if (names.length > 0) args.push("--header", ...names);
  else if (!preflight) args.push("--no-headers");
  if (method !== null && !(preflight && method === "GET")) args.push("--method", method);
  if (code !== undefined && credentialsCodes.has(code)) args.push("--credentials");
  if (preflight) args.push("--preflight-only");
  return args;
}
