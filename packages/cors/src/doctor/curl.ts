/** Reads a pasted curl command as the call of a page. Nothing is run, no file is read, and no variable is expanded. */

import { trimValue } from "../names.ts";
import { isOfBrowser } from "./browser-headers.ts";
import { CommandError, splitWords } from "./shell-words.ts";

/** What the command asks for, in the terms of the command line. */
export interface CurlCall {
  readonly url: string;
  readonly method: string;
  /** Each as `name: value`. */
  readonly headers: readonly string[];
  readonly body: string | null;
  /** Whether the command sends cookies. */
  readonly credentials: boolean;
  /** From the Origin or the Referer header; null if there is neither. */
  readonly origin: string | null;
  /** What a page does differently, for people. */
  readonly notes: readonly string[];
}

/** The options by what they mean here. */
type Meaning =
  | "ignored"
  | "ignored value"
  | "request"
  | "header"
  | "data"
  | "raw"
  | "urlencode"
  | "json"
  | "form"
  | "cookie"
  | "user"
  | "bearer"
  | "referer"
  | "url"
  | "get"
  | "head"
  | "insecure"
  | "upload"
  | "range"
  | "network";

const meanings: ReadonlyMap<string, Meaning> = new Map(
  (
    [
      [
        "ignored",
        `-s --silent -S --show-error -v --verbose -i --include --show-headers -f --fail --fail-with-body --fail-early -N --no-buffer
        -g --globoff -# --progress-bar --no-progress-meter -0 --http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 --http3-only
        -1 -2 -3 --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 -4 --ipv4 -6 --ipv6 -j --junk-session-cookies -n --netrc -O
        --remote-name -J --remote-header-name -q --disable -R --remote-time --compressed --compressed-ssh -L --location
        --location-trusted --path-as-is --ssl-no-revoke --tcp-nodelay --no-keepalive --basic --anyauth --no-sessionid --no-alpn
        --tr-encoding --raw --styled-output --parallel -Z`,
      ],
      [
        "ignored value",
        `-o --output -m --max-time --connect-timeout -w --write-out --retry --retry-delay --retry-max-time --max-redirs -D
        --dump-header -c --cookie-jar -A --user-agent --limit-rate --keepalive-time --expect100-timeout --output-dir --stderr
        --trace --trace-ascii -Y --speed-limit -y --speed-time --ciphers --tls-max --curves`,
      ],
      [
        "network",
        "-x --proxy --socks5 --socks5-hostname --resolve --connect-to --interface --dns-servers --doh-url --unix-socket --noproxy -U --proxy-user",
      ],
      ["network", "-E --cert --key --cacert --capath --cert-type --key-type --pass"],
      ["request", "-X --request"],
      ["header", "-H --header"],
      ["data", "-d --data --data-ascii --data-binary"],
      ["raw", "--data-raw"],
      ["urlencode", "--data-urlencode"],
      ["json", "--json"],
      ["form", "-F --form --form-string"],
      ["cookie", "-b --cookie"],
      ["user", "-u --user"],
      ["bearer", "--oauth2-bearer"],
      ["referer", "-e --referer"],
      ["url", "--url"],
      ["get", "-G --get"],
      ["head", "-I --head"],
      ["insecure", "-k --insecure"],
      ["upload", "-T --upload-file"],
      ["range", "-r --range"],
    ] as const
  ).flatMap(([meaning, names]) => names.split(/\s+/).map((name) => [name, meaning] as const)),
);

const flags: ReadonlySet<Meaning> = new Set<Meaning>(["ignored", "get", "head", "insecure"]);

/**
 * Reads a command such as browsers copy ("Copy as cURL"), for bash, cmd.exe or PowerShell.
 *
 * @throws CommandError that names what it does not know.
 */
export function readCurl(text: string): CurlCall {
  const { words, hasExpansion } = splitWords(text);
  const [program = "", ...rest] = words;
  if (!/(?:^|[\\/])curl(?:\.exe)?$/i.test(program)) {
    throw new CommandError(
      `the command must begin with curl, and begins with ${JSON.stringify(program.slice(0, 40))}; ${howToCopy}`,
    );
  }
  const call = new CallBuilder();
  for (const [name, value] of readOptions(rest)) call.take(name, value);
  return call.build(hasExpansion);
}

const howToCopy = "in the Network panel of the browser, choose Copy as cURL";

/** @returns pairs of an option and its value, which is empty for a flag. */
function readOptions(words: readonly string[]): [name: string, value: string][] {
  const options: [string, string][] = [];
  const unknown: string[] = [];
  const queue = [...words].reverse();
  const takeValue = (name: string): string => {
    const value = queue.pop();
    if (value === undefined)
      throw new CommandError(`${name} needs a value, and is the last word: paste the whole command`);
    return value;
  };
  for (let word = queue.pop(); word !== undefined; word = queue.pop()) {
    if (!word.startsWith("-") || word === "-") options.push(["--url", word]);
    else if (word.startsWith("--")) {
      const [name = "", ...inline] = word.split("=");
      const meaning = meanings.get(name);
      if (word === "--")
        options.push(
          ...queue
            .splice(0)
            .reverse()
            .map((url): [string, string] => ["--url", url]),
        );
      else if (meaning === undefined) unknown.push(name);
      else if (flags.has(meaning)) options.push([name, ""]);
      else options.push([name, inline.length > 0 ? inline.join("=") : takeValue(name)]);
    } else {
      // Short options can be joined, as in -sSXPOST.
      for (let at = 1; at < word.length; at++) {
        const name = `-${word.charAt(at)}`;
        const meaning = meanings.get(name);
        if (meaning === undefined) unknown.push(name);
        else if (flags.has(meaning)) options.push([name, ""]);
        else {
          const joined = word.slice(at + 1);
          options.push([name, joined === "" ? takeValue(name) : joined]);
          break;
        }
      }
    }
  }
  if (unknown.length > 0) {
    throw new CommandError(`the curl options ${[...new Set(unknown)].join(", ")} are not known here: leave them out`);
  }
  return options;
}

/** Collects what the options say. */
class CallBuilder {
  readonly #urls: string[] = [];
  readonly #headers: [name: string, value: string][] = [];
  readonly #data: string[] = [];
  readonly #forms: string[] = [];
  readonly #left = new Set<string>();
  readonly #notes = new Set<string>();
  #method: string | null = null;
  #isGet = false;
  #isJson = false;
  #isUpload = false;
  #credentials = false;
  #origin: string | null = null;
  #referer: string | null = null;

  take(name: string, value: string): void {
    const meaning = meanings.get(name);
    if (meaning === "url") this.#urls.push(value);
    else if (meaning === "request") this.#method = value;
    else if (meaning === "head") this.#method = "HEAD";
    else if (meaning === "get") this.#isGet = true;
    else if (meaning === "header") this.#takeHeader(value);
    else if (meaning === "data") this.#data.push(this.#readData(value));
    else if (meaning === "raw") this.#data.push(value);
    else if (meaning === "urlencode") this.#data.push(this.#encode(value));
    else if (meaning === "json") {
      this.#isJson = true;
      this.#data.push(this.#readData(value));
    } else if (meaning === "form") this.#forms.push(value);
    else if (meaning === "cookie") this.#takeCookies();
    else if (meaning === "user") this.#headers.push(["authorization", `Basic ${encodeBase64(value)}`]);
    else if (meaning === "bearer") this.#headers.push(["authorization", `Bearer ${value}`]);
    else if (meaning === "referer") this.#referer = value;
    else if (meaning === "range") this.#headers.push(["range", `bytes=${value}`]);
    else if (meaning === "upload") {
      this.#isUpload = true;
      this.#notes.add(fileNote);
    } else if (meaning === "insecure") this.#notes.add(insecureNote);
    else if (meaning === "network")
      this.#notes.add(`${name} is left out: the check connects as a browser without it would.`);
  }

  #takeHeader(line: string): void {
    if (line.startsWith("@")) {
      this.#notes.add(fileNote);
      return;
    }
    const end = /[:;]/.exec(line)?.index ?? line.length;
    const name = trimValue(line.slice(0, end)).toLowerCase();
    const value = trimValue(line.slice(end + 1));
    // "Name:" removes a header of curl, and "Name;" sends it without a value.
    if (line.charAt(end) === ":" && value === "") return;
    if (name === "origin") this.#origin = value;
    else if (name === "referer") this.#referer = value;
    else if (name === "cookie") this.#takeCookies();
    else if (isOfBrowser(name)) this.#left.add(name);
    else this.#headers.push([name, value]);
  }

  #takeCookies(): void {
    this.#credentials = true;
    this.#notes.add(cookieNote);
  }

  #readData(value: string): string {
    if (!value.startsWith("@")) return value;
    this.#notes.add(fileNote);
    return "";
  }

  /** https://curl.se/docs/manpage.html#--data-urlencode */
  #encode(value: string): string {
    const [, name = "", sign, content = ""] = /^([^=@]*)([=@])(.*)$/s.exec(value) ?? [];
    if (sign === undefined) return encodeURIComponent(value);
    const prefix = name === "" ? "" : `${name}=`;
    if (sign === "=") return `${prefix}${encodeURIComponent(content)}`;
    this.#notes.add(fileNote);
    return prefix;
  }

  build(hasExpansion: boolean): CurlCall {
    const [url, ...more] = this.#urls;
    if (url === undefined) throw new CommandError("the curl command has no URL");
    if (more.length > 0) throw new CommandError(`the curl command has more than one URL: leave out ${more.join(" ")}`);
    const hasBody = this.#data.length + this.#forms.length > 0 && !this.#isGet;
    const method = this.#method ?? (this.#isUpload ? "PUT" : hasBody ? "POST" : "GET");
    if (this.#left.size > 0) {
      this.#notes.add(
        `Left out, because the browser sets them: ${[...this.#left].join(", ")}. If the page sets one, add it with --header.`,
      );
    }
    if (hasExpansion) this.#notes.add(expansionNote);
    const origin = this.#origin ?? originOf(this.#referer);
    return {
      url: this.#withQuery(/^[a-z][a-z\d+.-]*:\/\//i.test(url) ? url : `http://${url}`),
      method,
      headers: this.#withType(hasBody).map(([name, value]) => `${name}: ${value}`),
      body: hasBody ? this.#body() : null,
      credentials: this.#credentials,
      origin,
      notes: [...this.#notes],
    };
  }

  #withQuery(url: string): string {
    if (!this.#isGet || this.#data.length === 0) return url;
    const [address = "", hash] = url.split("#", 2);
    const query = `${address}${address.includes("?") ? "&" : "?"}${this.#data.join("&")}`;
    return hash === undefined ? query : `${query}#${hash}`;
  }

  /** curl sets the type of a body, unless the command does. */
  #withType(hasBody: boolean): [string, string][] {
    const hasType = this.#headers.some(([name]) => name === "content-type");
    if (!hasBody || hasType) return this.#headers;
    const type = this.#isJson
      ? "application/json"
      : this.#forms.length > 0
        ? `multipart/form-data; boundary=${boundary}`
        : "application/x-www-form-urlencoded";
    return [...this.#headers, ["content-type", type]];
  }

  #body(): string {
    if (this.#forms.length === 0) return this.#data.join(this.#isJson ? "" : "&");
    const parts = this.#forms.map((form) => {
      const [name = "", ...value] = form.split("=");
      const content = value.join("=");
      const isFile = /^[@<]/.test(content);
      if (isFile) this.#notes.add(fileNote);
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
      return isFile ? `${head}; filename="file"\r\n\r\n\r\n` : `${head}\r\n\r\n${content}\r\n`;
    });
    return `${parts.join("")}--${boundary}--\r\n`;
  }
}

const boundary = "----cors-doctor";
const fileNote =
  "No file is read: what the command takes from a file is left out of the body. CORS does not depend on it.";
const insecureNote = "-k is ignored: a page cannot switch off the check of the certificate.";
const cookieNote =
  "The command sends cookies, so the page is taken to send credentials. The cookies themselves are not sent here.";
const expansionNote = "Variables and $(...) stay as they are written: nothing is run or expanded.";

function originOf(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  const { origin } = new URL(url);
  return origin === "null" ? null : origin;
}

function encodeBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
