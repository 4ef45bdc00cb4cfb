import { readFileSync } from "node:fs";
import { didYouMean, nearestNames, readCommandLine, UsageError } from "../command-line.ts";
import { type AddressSpace, addressSpaces } from "./address-spaces.ts";
import { readCurl } from "./curl.ts";
import { type FrameworkId, findFramework, frameworkIds, frameworkNames } from "./fixes/index.ts";
import { type PagePlace, type PermissionState, permissionStates } from "./local-network-access.ts";
import {
  type PageRequest,
  PageRequestError,
  readHeaderValue,
  readOriginOfPage,
  readPage,
  readUrl,
} from "./page-request.ts";
import { chromeUserAgent } from "./probe.ts";
import { CommandError } from "./shell-words.ts";

/** What the command line asks for. */
export type DoctorArguments =
  | { readonly kind: "help" }
  | CheckArguments
  | HarArguments
  | ExplainArguments
  | ExpectArguments;

interface ReportArguments {
  /** Whose fixes to print; null: those of the server that answered. */
  readonly frameworks: readonly FrameworkId[] | null;
  readonly json: boolean;
}

interface ProbeArguments {
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** Default: from the address of the page's host. */
  readonly pageAddressSpace: AddressSpace | undefined;
  readonly permission: PermissionState;
}

export interface HarArguments extends ReportArguments {
  readonly kind: "har";
  readonly file: string;
  readonly strict: boolean;
  /** The file for results as JUnit XML; undefined for none. */
  readonly junit: string | undefined;
  readonly place: PagePlace | undefined;
  readonly permission: PermissionState;
}

export interface ExplainArguments extends ReportArguments {
  readonly kind: "explain";
  /** `-` for standard input. */
  readonly text: string;
}

export interface ExpectArguments extends ReportArguments, ProbeArguments {
  readonly kind: "expect";
  readonly file: string;
  /** Takes the place of the URL in the file. */
  readonly url: URL | undefined;
  readonly fromConfig: boolean;
  readonly strict: boolean;
  readonly preflightOnly: boolean;
  readonly junit: string | undefined;
}

export type CheckArguments = {
  readonly kind: "check";
  readonly page: Omit<PageRequest, "url">;
  readonly strict: boolean;
  readonly preflightOnly: boolean;
  /** What was left out of a curl command, for people. */
  readonly notes: readonly string[];
} & ReportArguments &
  ProbeArguments &
  (
    | { readonly fromConfig: false; readonly url: URL }
    /** The default is the service in this environment. */
    | { readonly fromConfig: true; readonly url: URL | undefined }
  );

/** How to call the command: by its name if it is installed, or by `npm run` in this repository. */
export function commandName(path: string, environment: Readonly<Record<string, string | undefined>>): string {
  const isInstalled = /[\\/]node_modules[\\/]/.test(path) || /[\\/]cors-doctor$/.test(path);
  return isInstalled && environment["npm_lifecycle_event"] !== "doctor" ? "cors-doctor" : "npm run doctor --";
}

/** The help text. */
export const usage = (command: string): string => `usage: ${command} URL --origin ORIGIN [options]
       ${command} --curl "curl ..." | --har FILE | --explain "Access to fetch ..." | --expect FILE [URL] [options]

Checks step by step, as a browser does (https://fetch.spec.whatwg.org/), whether a page on ORIGIN may call URL.
If not, says why, what the consoles of browsers print, and how to fix it. It works with any server.

What is checked, instead of URL; the value - reads standard input
  --curl COMMAND       what a browser's "Copy as cURL" gives. Nothing is run or expanded
  --har FILE           every call between origins in a recording of the browser's developer tools; asks no server
  --explain LINE       a line of a browser's console; asks no server
  --expect FILE [URL]  a JSON file of calls and their outcomes, for CI; URL takes the place of the file's
  --from-config [URL]  the policy in this environment's CORS_* variables instead of a server

The call
  --origin ORIGIN      the origin of the page, for example http://localhost:5173 or capacitor://localhost; null for a
                       sandboxed frame or a local file
  --method METHOD      default: POST
  -H, --header HEADER  "name" or "name: value"; takes several, and may be repeated; a name alone gets a placeholder value
                       Default: the headers of an API client: authorization, and for POST, PUT and PATCH also
                       content-type: application/json
  --no-headers         send no headers, as in a simple request
  --data BODY          default: {} with content-type: application/json, otherwise none
  --credentials        the page sends cookies: fetch's credentials: "include", axios's withCredentials
  --preflight-only     do not send the actual request; judge the preflight alone
  --strict             follow the standard where browsers are less strict: * and authorization, client hints, ranges, ports
  --page-address-space SPACE
                       where the page is loaded from: public, local or loopback; default: where ORIGIN's host is
  --target-address-space SPACE
                       fetch's targetAddressSpace: the page announces a call into the local network
  --permission STATE   for the local network: granted, prompt (default: Chrome asks the user) or denied
  --timeout SECONDS    for each request; default: 10
  --user-agent TEXT    default: a recent Chrome

The report
  --framework NAME     print how to fix it there; may be repeated; default: what the headers of the reply name. NAME is all or
                       ${frameworkNames.slice(0, 9).join(", ")},
                       ${frameworkNames.slice(9).join(", ")}
  --json               print JSON; docs/doctor.md describes it
  --junit FILE         with --har or --expect: also write the results as JUnit XML
  --help

The actual request is really sent: for a method that changes something, use --preflight-only or a harmless URL.
Exit status: 0 the page could read the reply, if need be after the user agrees, 1 it could not (CORS, Local Network
Access, mixed content, a blocked port, no answer) or differs from what was expected, 2 bad usage.`;

const timeoutSecondsMax = 600;

const options = {
  origin: { type: "string" },
  method: { type: "string" },
  header: { type: "string", multiple: true, short: "H" },
  "no-headers": { type: "boolean" },
  data: { type: "string" },
  credentials: { type: "boolean" },
  curl: { type: "string" },
  har: { type: "string" },
  explain: { type: "string" },
  expect: { type: "string" },
  "from-config": { type: "boolean" },
  "preflight-only": { type: "boolean" },
  strict: { type: "boolean" },
  "page-address-space": { type: "string" },
  "target-address-space": { type: "string" },
  permission: { type: "string" },
  framework: { type: "string", multiple: true },
  timeout: { type: "string" },
  "user-agent": { type: "string" },
  json: { type: "boolean" },
  junit: { type: "string" },
} as const;

type CommandLine = Exclude<ReturnType<typeof readCommandLine<typeof options>>, "help">;
type Values = CommandLine["values"];

/** The ways to say what is checked, with the options that have a meaning there. */
const modes = {
  har: ["strict", "page-address-space", "permission", "framework", "json", "junit"],
  explain: ["framework", "json"],
  expect: [
    ...(["from-config", "preflight-only", "strict", "page-address-space", "permission"] as const),
    ...(["framework", "timeout", "user-agent", "json", "junit"] as const),
  ],
} as const satisfies Readonly<Record<string, readonly (keyof typeof options)[]>>;

/**
 * Reads the command line.
 *
 * @param readInput reads standard input, for the value `-`.
 * @throws UsageError
 */
export function readArguments(args: readonly string[], readInput = readStandardInput): DoctorArguments {
  const read = readCommandLine(args, { options, positionals: true });
  if (read === "help") return { kind: "help" };
  const { values, positionals } = read;
  try {
    const { har, explain, expect } = values;
    if (har !== undefined) return { ...readHarArguments(values, positionals), file: har };
    if (explain !== undefined) {
      checkMode("explain", values, positionals, 0);
      return { kind: "explain", text: textOf(explain, readInput), ...reportArguments(values) };
    }
    if (expect !== undefined) return { ...readExpectArguments(values, positionals), file: expect };
    if (values.junit !== undefined) throw new UsageError("--junit needs --har or --expect");
    return readCheck(values, positionals, readInput);
  } catch (error) {
    if (error instanceof PageRequestError) throw new UsageError(error.message);
    if (error instanceof CommandError) throw new UsageError(`--curl: ${error.message}`);
    throw error;
  }
}

function readStandardInput(): string {
  return readFileSync(0, "utf8");
}

function textOf(value: string, readInput: () => string): string {
  return value === "-" ? readInput() : value;
}

/** @throws UsageError for an option or a URL that has no meaning in this mode. */
function checkMode(mode: keyof typeof modes, values: Values, positionals: readonly string[], urlsMax: number): void {
  const known: readonly string[] = [mode, ...modes[mode]];
  const other = Object.keys(values).find((name) => !known.includes(name));
  if (other !== undefined) throw new UsageError(`--${mode} and --${other} exclude each other`);
  const [extra] = positionals.slice(urlsMax);
  if (extra !== undefined)
    throw new UsageError(`--${mode} takes no ${JSON.stringify(extra)}; quote a value that has spaces`);
}

function readHarArguments(values: Values, positionals: readonly string[]): Omit<HarArguments, "file"> {
  checkMode("har", values, positionals, 0);
  const { pageAddressSpace: space, permission } = readNetwork(values);
  return {
    kind: "har",
    strict: values.strict === true,
    junit: values.junit,
    place: space === undefined ? undefined : { space, why: "by --page-address-space" },
    permission,
    ...reportArguments(values),
  };
}

function readExpectArguments(values: Values, positionals: readonly string[]): Omit<ExpectArguments, "file"> {
  checkMode("expect", values, positionals, 1);
  const [url] = positionals;
  return {
    kind: "expect",
    url: url === undefined ? undefined : readUrl(url),
    fromConfig: values["from-config"] === true,
    strict: values.strict === true,
    preflightOnly: values["preflight-only"] === true,
    junit: values.junit,
    ...reportArguments(values),
    ...probeArguments(values),
  };
}

function readCheck(values: Values, positionals: readonly string[], readInput: () => string): CheckArguments {
  const { header: lines } = values;
  const noHeaders = values["no-headers"] === true;
  // Words after --header that are not a URL are more headers.
  const moreLines = lines === undefined ? [] : positionals.filter((text) => !text.includes("://"));
  const [word, ...rest] = positionals.filter((text) => !moreLines.includes(text));
  if (rest.length > 0) throw new UsageError(`only one URL is allowed; remove ${rest.join(" ")}`);
  if (noHeaders && lines !== undefined) throw new UsageError("--header and --no-headers exclude each other");
  const curl = values.curl === undefined ? null : readCurl(textOf(values.curl, readInput));
  if (curl !== null && values["from-config"] === true)
    throw new UsageError("--curl and --from-config exclude each other");
  const origin = values.origin ?? curl?.origin;
  if (origin == null) throw new UsageError("--origin is required: the origin of the page that calls");
  const own = lines === undefined ? null : [...lines, ...moreLines];
  const target = readChoice("target-address-space", values["target-address-space"], addressSpaces);
  const page = readPage({
    method: values.method ?? curl?.method ?? "POST",
    headers: noHeaders ? [] : curl === null ? own : [...curl.headers, ...(own ?? [])],
    body: values.data ?? curl?.body ?? null,
    credentials: values.credentials === true || curl?.credentials === true,
  });
  return {
    kind: "check",
    ...readTarget(word ?? curl?.url, values["from-config"] === true),
    page: { ...page, origin: readOriginOfPage(origin), ...(target !== undefined && { targetAddressSpace: target }) },
    strict: values.strict === true,
    preflightOnly: values["preflight-only"] === true,
    notes: curl?.notes ?? [],
    ...reportArguments(values),
    ...probeArguments(values),
  };
}

function reportArguments(values: Values): ReportArguments {
  const { framework, json } = values;
  return { frameworks: framework === undefined ? null : readFrameworks(framework), json: json === true };
}

function probeArguments(values: Values): ProbeArguments {
  const { timeout: text = "10", "user-agent": userAgent = chromeUserAgent } = values;
  const timeout = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (timeout === 0 || timeout > timeoutSecondsMax) {
    throw new UsageError(`--timeout must be a number of seconds above 0, at most ${timeoutSecondsMax}`);
  }
  if (values["from-config"] && (values["page-address-space"] ?? values.permission) !== undefined) {
    throw new UsageError(
      "--from-config connects to no server, so --page-address-space and --permission have no effect",
    );
  }
  return { timeoutMs: timeout * 1000, userAgent: readHeaderValue("user-agent", userAgent), ...readNetwork(values) };
}

function readNetwork(values: Values): Pick<ProbeArguments, "pageAddressSpace" | "permission"> {
  return {
    pageAddressSpace: readChoice("page-address-space", values["page-address-space"], addressSpaces),
    permission: readChoice("permission", values.permission, permissionStates) ?? "prompt",
  };
}

function readTarget(text: string | undefined, fromConfig: boolean) {
  if (fromConfig) return { fromConfig, url: text === undefined ? undefined : readUrl(text) } as const;
  if (text === undefined) throw new UsageError("a URL is required");
  return { fromConfig, url: readUrl(text) } as const;
}

/** @throws UsageError for an unknown name. */
function readFrameworks(names: readonly string[]): readonly FrameworkId[] {
  if (names.includes("all")) return frameworkIds;
  return names.map((name) => {
    const id = findFramework(name);
    if (id !== undefined) return id;
    const hint = didYouMean(nearestNames(name, frameworkNames)) || `; there are ${frameworkNames.join(", ")} and all`;
    throw new UsageError(`there is no framework ${JSON.stringify(name)}${hint}`);
  });
}

function readChoice<Choice extends string>(name: string, text: string | undefined, choices: readonly Choice[]) {
  const choice = choices.find((each) => each === text);
  if (text !== undefined && choice === undefined) throw new UsageError(`--${name} must be ${choices.join(", ")}`);
  return choice;
}
