import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { ServerHooks } from "twirp-ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { isCheckable, mismatches, type Outcome, unknownMembers } from "./twirp-expectation.ts";
import { WireConnection, type WireRequest, type WireResponse } from "./twirp-http.ts";
import { compileSchema, type SchemaService } from "./twirp-schema.ts";
import type { ServiceEvents } from "./twirp-service.ts";
import { buildServer, UnknownRequirement } from "./twirp-setup.ts";
import { bodyOf, readTable, type TwirpCase, type TwirpTable, withPrefix } from "./twirp-table.ts";

/** The result of a table. */
export interface TableResult {
  passed: number;
  failed: number;
  readonly skipped: { readonly id: string; readonly reason: string }[];
}

/** Milliseconds allowed for each step of a case. */
const STEP_TIMEOUT = 5000;

/** Runs every case on a listening server of its own and prints a line for each that fails. */
export async function run(): Promise<TableResult> {
  const table = readTable();
  const schemas = new Map<string, Promise<readonly SchemaService[]>>();
  const result: TableResult = { passed: 0, failed: 0, skipped: [] };
  for (const testCase of table.cases) {
    try {
      const wrong = await runCase(testCase, await servicesFor(testCase, table, schemas));
      if (wrong.length === 0) result.passed += 1;
      else {
        result.failed += 1;
        console.log(`FAILED ${testCase.id}: ${wrong.join("; ")}`);
      }
    } catch (error) {
      if (error instanceof UnknownRequirement) result.skipped.push({ id: testCase.id, reason: error.message });
      else {
        result.failed += 1;
        console.log(`FAILED ${testCase.id}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return result;
}

function servicesFor(
  { requires }: TwirpCase,
  table: TwirpTable,
  schemas: Map<string, Promise<readonly SchemaService[]>>,
): Promise<readonly SchemaService[]> {
  const name = requires?.schema ?? "";
  const known = schemas.get(name);
  if (known !== undefined) return known;
  const proto = name === "" ? table.schema : table.extra_schemas[name];
  if (proto === undefined) throw new UnknownRequirement(`there is no schema ${name}`);
  // Extra schemas are single lines without the header that names the syntax, or with it.
  const compiled = compileSchema(proto);
  schemas.set(name, compiled);
  return compiled;
}

/** The server's own record of a case. */
class Recorder {
  readonly hooks: string[] = [];
  error: Outcome["hookError"];
  sent = false;
  waiting = false;
  aborted = false;
  unhandled: unknown[] = [];

  readonly serverHooks: ServerHooks<CallContext> = {
    requestReceived: () => this.#record("received"),
    requestRouted: () => this.#record("routed"),
    responsePrepared: () => this.#record("prepared"),
    responseSent: () => {
      this.#record("sent");
      this.sent = true;
    },
    error: (_context, error) => {
      this.#record(`error:${error.code}`);
      this.error ??= { code: error.code, msg: error.msg, meta: error.meta };
    },
  };

  readonly events: ServiceEvents = {
    onWaiting: () => {
      this.waiting = true;
    },
    onAborted: () => {
      this.aborted = true;
    },
  };

  #record(event: string): void {
    this.hooks.push(event);
  }
}

async function runCase(original: TwirpCase, services: readonly SchemaService[]): Promise<readonly string[]> {
  const prefix = original.requires?.prefix ?? "/twirp";
  const { request, expect, requires = {} } = withPrefix(original, prefix);
  const unknown = [...unknownMembers(expect), ...unknownRequirements(requires)];
  if (unknown.length > 0) throw new UnknownRequirement(`the runner does not know ${unknown.join(", ")}`);

  const recorder = new Recorder();
  const onUnhandled = (reason: unknown) => recorder.unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const method = request.path.split("?")[0]?.split("/").at(-1) ?? "";
  const app = await buildServer(requires, services, recorder.serverHooks, recorder.events, method);
  try {
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = address(app.server.address());
    const connection = new WireConnection(port);
    const wire: WireRequest = {
      method: request.method,
      target: request.path,
      headers: request.headers ?? {},
      body: bodyOf(request),
    };
    try {
      const client = clientFor(requires.client, isCheckable(expect));
      const { response, wrong } = await client(connection, wire, recorder);
      // A reply may arrive before the hooks that follow it have run.
      if (expect["hook_sequence"] !== undefined) await until(() => recorder.sent, "the last hook");
      await new Promise(setImmediate);
      const outcome: Outcome = { response, hooks: recorder.hooks, hookError: recorder.error };
      const rejected = recorder.unhandled.map((reason) => `unhandled rejection: ${String(reason)}`);
      return [...wrong, ...rejected, ...mismatches(expect, outcome)];
    } finally {
      connection.destroy();
    }
  } finally {
    await app.close();
    process.off("unhandledRejection", onUnhandled);
  }
}

interface ClientResult {
  readonly response: WireResponse | undefined;
  readonly wrong: readonly string[];
}

type Client = (connection: WireConnection, request: WireRequest, recorder: Recorder) => Promise<ClientResult>;

const CLIENTS: readonly (readonly [pattern: RegExp, client: Client])[] = [
  [/^sends \d+ of \d+ bytes, then closes$/, closeMidBody],
  [/^closes while the handler waits$/, closeWhileWaiting],
  [/^two POSTs on one keep-alive connection, the first malformed$/, sendTwo],
  [/^Content-Length larger than the bytes, connection kept open$/, waitForTimeout],
];

function clientFor(text: string | undefined, checkable: boolean): Client {
  if (text === undefined) {
    if (checkable) return sendOnce;
    throw new UnknownRequirement("the case expects nothing that could be checked");
  }
  const client = CLIENTS.find(([pattern]) => pattern.test(text))?.[1];
  if (client === undefined) throw new UnknownRequirement(`no client that ${text}`);
  return client;
}

async function sendOnce(connection: WireConnection, request: WireRequest): Promise<ClientResult> {
  await connection.write(request);
  const response = await connection.read(request.method, STEP_TIMEOUT);
  return { response, wrong: response === undefined ? ["the server closed without a reply"] : [] };
}

async function closeMidBody(
  connection: WireConnection,
  request: WireRequest,
  recorder: Recorder,
): Promise<ClientResult> {
  await connection.write(request);
  await until(() => recorder.hooks.includes("routed"), "routing");
  connection.destroy();
  await until(() => recorder.sent, "the last hook");
  return { response: undefined, wrong: [] };
}

async function closeWhileWaiting(
  connection: WireConnection,
  request: WireRequest,
  recorder: Recorder,
): Promise<ClientResult> {
  await connection.write(request);
  await until(() => recorder.waiting, "the handler");
  connection.destroy();
  await until(() => recorder.sent, "the last hook");
  const wrong: string[] = [];
  if (!recorder.aborted) wrong.push("the handler saw no abort");
  if (recorder.error?.code !== "canceled") wrong.push(`the error hook saw ${recorder.error?.code}`);
  return { response: undefined, wrong };
}

// The second request is the same with a valid body.
async function sendTwo(connection: WireConnection, request: WireRequest): Promise<ClientResult> {
  const second = { ...request, body: Buffer.from("{}") };
  await Promise.all([connection.write(request), connection.write(second)]);
  const first = await connection.read(request.method, STEP_TIMEOUT);
  const then = await connection.read(second.method, STEP_TIMEOUT);
  const wrong: string[] = [];
  if (first?.status !== 400) wrong.push(`the first reply is ${first?.status}`);
  const closed = first?.headers.get("connection")?.includes("close") === true && then === undefined;
  if (then?.status !== 200 && !closed) wrong.push(`the second reply is ${then?.status}`);
  return { response: first, wrong };
}

async function waitForTimeout(connection: WireConnection, request: WireRequest): Promise<ClientResult> {
  await connection.write(request);
  const response = await connection.read(request.method, STEP_TIMEOUT);
  const code = response === undefined ? "closed" : String(JSON.parse(response.body.toString()).code);
  const fine = code === "closed" || (response?.status === 408 && code === "deadline_exceeded");
  return { response, wrong: fine ? [] : [`answered ${response?.status} ${code}`] };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + STEP_TIMEOUT;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await once(AbortSignal.timeout(2), "abort");
  }
}

function unknownRequirements(requires: object): readonly string[] {
  return Object.keys(requires)
    .filter((key) => !KNOWN_REQUIREMENTS.has(key))
    .map((key) => `requires.${key}`);
}

const KNOWN_REQUIREMENTS = new Set([
  "prefix",
  "schema",
  "services",
  "interceptors",
  "hook",
  "option",
  "handler",
  "client",
  "server",
  "route",
]);

function address(bound: string | AddressInfo | null): AddressInfo {
  if (bound === null || typeof bound === "string") throw new Error("the server has no port");
  return bound;
}
