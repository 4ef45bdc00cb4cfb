import { didYouMean, nearestNames, readCommandLine, UsageError } from "../command-line.ts";
import { type AddressSpace, addressSpaces } from "./address-spaces.ts";
import { type FrameworkId, findFramework, frameworkIds, frameworkNames } from "./fixes/index.ts";
import { type PermissionState, permissionStates } from "./local-network-access.ts";
import {
  type PageRequest,
  PageRequestError,
  readHeaders,
  readHeaderValue,
  readMethod,
  readOriginOfPage,
  readUrl,
} from "./page-request.ts";
import { chromeUserAgent } from "./probe.ts";

/** What the command line asks for. */
export type DoctorArguments = { readonly kind: "help" } | CheckArguments;

export type CheckArguments = {
  readonly kind: "check";
  readonly page: Omit<PageRequest, "url">;
  readonly strict: boolean;
  readonly preflightOnly: boolean;
  /** Whose fixes to print; null: those of the server that answered. */
  readonly frameworks: readonly FrameworkId[] | null;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** Default: from the address of the page's host. */
  readonly pageAddressSpace: AddressSpace | undefined;
  readonly permission: PermissionState;
} & (
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
       ${command} --from-config [URL] --origin ORIGIN [options]

Checks step by step, as a browser does (https://fetch.spec.whatwg.org/), whether a page on ORIGIN may call URL.
If not, says why, what the consoles of browsers print, and how to fix it. It works with any server.

  --origin ORIGIN      the origin of the page, for example http://localhost:5173 or capacitor://localhost; null for a
                       sandboxed frame or a local file
  --method METHOD      default: POST
  -H, --header HEADER  "name" or "name: value"; takes several, and may be repeated; a name alone gets a placeholder value
                       Default: the headers of an API client: authorization, and for POST, PUT and PATCH also
                       content-type: application/json
  --no-headers         send no headers, as in a simple request
  --data BODY          default: {} with content-type: application/json, otherwise none
  --credentials        the page sends cookies: fetch's credentials: "include", axios's withCredentials
  --strict             follow the standard where browsers are less strict: * and authorization, and in Chrome client
                       hints such as save-data, ranges such as Bytes=0-9, and the ports 4190 and 6679
  --page-address-space SPACE
                       where the page is loaded from: public, local or loopback; default: where ORIGIN's host is
  --target-address-space SPACE
                       fetch's targetAddressSpace: the page announces a call into the local network
  --permission STATE   for the local network: granted, prompt (default: Chrome asks the user) or denied
  --preflight-only     do not send the actual request; judge the preflight alone
  --from-config        check the policy in this environment's CORS_* variables instead of a server
  --framework NAME     print how to fix it there; may be repeated; default: what the headers of the reply name. NAME is all or
                       ${frameworkNames.slice(0, 9).join(", ")},
                       ${frameworkNames.slice(9).join(", ")}
  --timeout SECONDS    for each request; default: 10
  --user-agent TEXT    default: a recent Chrome
  --json               print JSON; docs/doctor.md describes it
  --help

The actual request is really sent: for a method that changes something, use --preflight-only or a harmless URL.
Exit status: 0 the page could read the reply, if need be after the user agrees, 1 it could not (CORS, Local Network
Access, mixed content, a blocked port, no answer), 2 bad usage.`;

const timeoutSecondsMax = 600;

const options = {
  origin: { type: "string" },
  method: { type: "string", default: "POST" },
  header: { type: "string", multiple: true, short: "H" },
  "no-headers": { type: "boolean", default: false },
  data: { type: "string" },
  credentials: { type: "boolean", default: false },
  strict: { type: "boolean", default: false },
  "page-address-space": { type: "string" },
  "target-address-space": { type: "string" },
  permission: { type: "string" },
  "preflight-only": { type: "boolean", default: false },
  "from-config": { type: "boolean", default: false },
  framework: { type: "string", multiple: true },
  timeout: { type: "string", default: "10" },
  "user-agent": { type: "string", default: chromeUserAgent },
  json: { type: "boolean", default: false },
} as const;

/** @throws UsageError */
export function readArguments(args: readonly string[]): DoctorArguments {
  const read = readCommandLine(args, { options, positionals: true });
  if (read === "help") return { kind: "help" };
  const { values, positionals } = read;
  const { "from-config": fromConfig, "no-headers": noHeaders, header: lines } = values;
  // Words after --header that are not a URL are more headers.
  const moreLines = lines === undefined ? [] : positionals.filter((text) => !text.includes("://"));
  const [url, ...rest] = positionals.filter((text) => !moreLines.includes(text));
  if (rest.length > 0) throw new UsageError(`only one URL is allowed; remove ${rest.join(" ")}`);
  if (values.origin === undefined) throw new UsageError("--origin is required: the origin of the page that calls");
  if (noHeaders && lines !== undefined) throw new UsageError("--header and --no-headers exclude each other");
  const timeout = /^\d{1,3}(\.\d{1,3})?$/.test(values.timeout) ? Number(values.timeout) : 0;
  if (timeout === 0 || timeout > timeoutSecondsMax) {
    throw new UsageError(`--timeout must be a number of seconds above 0, at most ${timeoutSecondsMax}`);
  }
  const pageAddressSpace = readChoice("page-address-space", values["page-address-space"], addressSpaces);
  const targetAddressSpace = readChoice("target-address-space", values["target-address-space"], addressSpaces);
  const permission = readChoice("permission", values.permission, permissionStates);
  if (fromConfig && (pageAddressSpace ?? permission) !== undefined) {
    throw new UsageError(
      "--from-config connects to no server, so --page-address-space and --permission have no effect",
    );
  }
  try {
    const method = readMethod(values.method);
    const headers = readHeaders(
      noHeaders ? [] : lines === undefined ? defaultHeaders(method) : [...lines, ...moreLines],
    );
    const body = readBody(method, headers, values.data);
    // https://fetch.spec.whatwg.org/#concept-bodyinit-extract: the browser sets the type of a string body itself.
    if (body !== null && !headers.some(([name]) => name === "content-type"))
      headers.push(["content-type", "text/plain;charset=UTF-8"]);
    return {
      kind: "check",
      ...readTarget(url, fromConfig),
      page: {
        origin: readOriginOfPage(values.origin),
        method,
        headers,
        body,
        credentials: values.credentials ? "include" : "same-origin",
        ...(targetAddressSpace !== undefined && { targetAddressSpace }),
      },
      pageAddressSpace,
      permission: permission ?? "prompt",
      strict: values.strict,
      preflightOnly: values["preflight-only"],
      frameworks: values.framework === undefined ? null : readFrameworks(values.framework),
      json: values.json,
      timeoutMs: timeout * 1000,
      userAgent: readHeaderValue("user-agent", values["user-agent"]),
    };
  } catch (error) {
    if (error instanceof PageRequestError) throw new UsageError(error.message);
    throw error;
  }
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

/** The headers of an API call as in `axios.post(url, data, { headers: { authorization } })`. */
function defaultHeaders(method: string): string[] {
  return ["POST", "PUT", "PATCH"].includes(method) ? ["authorization", "content-type"] : ["authorization"];
}

function readBody(method: string, headers: PageRequest["headers"], data: string | undefined): string | null {
  if (method === "GET" || method === "HEAD") {
    // https://fetch.spec.whatwg.org/#dom-request, step 34: the Request constructor throws.
    if (data !== undefined) throw new PageRequestError(`a page cannot send a body with ${method}`);
    return null;
  }
  const isJson = headers.some(([name, value]) => name === "content-type" && /^application\/json\b/i.test(value));
  return data ?? (isJson ? "{}" : null);
}
