/** Firefox for the browser tests, where one is installed, driven by WebDriver BiDi: https://w3c.github.io/webdriver-bidi/ */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";

const INSTALLED = ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"];

/** A tab of Firefox. */
export interface FirefoxPage {
  goto(url: string): Promise<void>;
  /** Runs an async function of one argument, given as source; argument and result travel as JSON. */
  evaluate(source: string, argument: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export interface Firefox {
  newPage(): Promise<FirefoxPage>;
  close(): Promise<void>;
}

/** The path of Firefox: FIREFOX_PATH or a usual place; undefined if it is not installed. */
export async function findFirefox(): Promise<string | undefined> {
  const { FIREFOX_PATH } = process.env;
  for (const path of FIREFOX_PATH ? [FIREFOX_PATH] : INSTALLED) {
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/** Starts a headless Firefox with its own profile; close it after use. */
export async function launchFirefox(path: string): Promise<Firefox> {
  const home = await mkdtemp(join(tmpdir(), "finance-firefox-"));
  const child = spawn(path, ["--headless", "--no-remote", "--profile", home, "--remote-debugging-port", "0"], {
    env: { PATH: process.env["PATH"], HOME: home, MOZ_CRASHREPORTER_DISABLE: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const address = new Promise<string>((resolve, reject) => {
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const found = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`${path} ended with ${code}: ${output}`)));
  });
  const session = await BidiSession.open(`${await address}/session`);
  return {
    newPage: async () => {
      const { context } = await session.send<{ context: string }>("browsingContext.create", { type: "tab" });
      return {
        goto: async (url) => {
          await session.send("browsingContext.navigate", { context, url, wait: "complete" });
        },
        evaluate: async (source, argument) => {
          const expression = `(${source})(${JSON.stringify(argument)}).then((value) => JSON.stringify(value ?? null))`;
          const { result, exceptionDetails } = await session.send<Evaluation>("script.evaluate", {
            expression,
            target: { context },
            awaitPromise: true,
          });
          if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
          return JSON.parse(result?.value ?? "null");
        },
        close: async () => {
          await session.send("browsingContext.close", { context });
        },
      };
    },
    close: async () => {
      session.close();
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(home, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

interface Evaluation {
  readonly result?: { readonly value: string };
  readonly exceptionDetails?: { readonly text: string };
}

interface Answer {
  readonly id: number | null;
  readonly result?: unknown;
  readonly message?: string;
}

class BidiSession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const { id, result, message }: Answer = JSON.parse(String(data));
      const waiting = id === null ? undefined : this.#waiting.get(id);
      if (message === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(message));
    });
    socket.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("Firefox closed the session"));
    });
  }

  static async open(url: string): Promise<BidiSession> {
    const socket = new WebSocket(url);
    await once(socket, "open");
    const session = new BidiSession(socket);
    await session.send("session.new", { capabilities: {} });
    return session;
  }

  send<Result>(method: string, params: object): Promise<Result> {
    this.#last += 1;
    const id = this.#last;
    return new Promise<Result>((resolve, reject) => {
      // The protocol defines each method's result.
      this.#waiting.set(id, { resolve: (result) => resolve(result as Result), reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    }).finally(() => this.#waiting.delete(id));
  }

  close(): void {
    this.#socket.close();
  }
}
