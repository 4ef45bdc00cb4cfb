/** The code that the console offers to copy. test/browser/console-see.test.ts runs it against the service. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  AccountType,
  getAccount,
  listAccounts,
  listTransfers,
  type Method,
  TransferState,
} from "../../packages/client/src/index.ts";
import { axiosOf, clientOf, curlOf, type SentCall } from "../../web/src/calls/call-code.ts";

function sent(method: Method<object, object>, request: object, change: Partial<SentCall> = {}): SentCall {
  const [baseUrl, prefix] = ["https://api.example.com", "/twirp"];
  const url = `${baseUrl}${prefix}/finance.v1.FinanceService/${method.name}`;
  return { method, baseUrl, prefix, url, body: JSON.stringify(request), ...change };
}

/** The arguments that bash passes to curl. */
function argumentsOfCurl(code: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${code}`;
  const env = { PATH: process.env["PATH"], TOKEN: "the-token" };
  return execFileSync("bash", ["--norc", "-c", script], { env, encoding: "utf8" }).split("\0").slice(0, -1);
}

/** Runs a module with stubs in place of its imports. */
async function run(code: string, stubs: Readonly<Record<string, unknown>>): Promise<void> {
  const [imports = ""] = code.split("\n");
  expect(imports).toMatch(/^import .* from "[^"]+";$/);
  const AsyncFunction = (async () => undefined).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  const values = { ...stubs, process: { env: { TOKEN: "the-token" } }, console: { log: () => undefined } };
  await new AsyncFunction(...Object.keys(values), code.slice(imports.length))(...Object.values(values));
}

const texts = [
  `it's "quoted"`,
  "'''",
  "$HOME $(id) `id` \\ \\n !! %s",
  "two\nlines\r\tand \u0000 \u2028 controls",
  "Grüße, 世界 🙂",
  "\u0024{process.exit(1)} `",
  "-d @/etc/passwd",
  "\ud800",
];

describe.each(texts)("the text %j survives", (text) => {
  const request = { namePrefix: text };

  test("in bash", () => {
    const call = sent(listAccounts, request);
    expect(argumentsOfCurl(curlOf(call))).toEqual([
      call.url,
      "-H",
      "content-type: application/json",
      "-H",
      "authorization: Bearer the-token",
      "-d",
      call.body,
    ]);
  });

  test("with axios", async () => {
    const posted: unknown[] = [];
    const call = sent(listAccounts, request);
    const post = async (...values: unknown[]) => {
      posted.push(...values);
      return { data: {} };
    };
    await run(axiosOf(call), { axios: { post } });
    expect(posted).toEqual([call.url, request, { headers: { Authorization: "Bearer the-token" } }]);
  });

  test("with the client", async () => {
    const made: unknown[] = [];
    const createFinanceClient = (options: object) => {
      made.push(options);
      return { listAccounts: async (sentRequest: object) => made.push(sentRequest) };
    };
    await run(clientOf(sent(listAccounts, request)), { createFinanceClient });
    expect(made).toEqual([{ baseUrl: "https://api.example.com", token: "the-token" }, request]);
  });
});

test("a key that JavaScript gives a meaning stays a key", async () => {
  const body = '{"metadata":{"__proto__":"\\"__proto__\\":","a":"b"}}';
  const call = sent(listTransfers, {}, { body });
  let posted: unknown;
  await run(axiosOf(call), {
    axios: {
      post: async (_: string, request: unknown) => {
        posted = request;
        return { data: {} };
      },
    },
  });
  expect(JSON.stringify(posted)).toBe(body);
});

test("the client's code has bigints, and imports the enums that it names", async () => {
  const code = clientOf(
    sent(listTransfers, { accountId: "9007199254740993", state: "TRANSFER_STATE_PENDING", pageSize: 50 }),
  );
  expect(code).toBe(`import { TransferState, createFinanceClient } from "@finance-service/client";

const finance = createFinanceClient({ baseUrl: "https://api.example.com", token: process.env.TOKEN });
const reply = await finance.listTransfers({ accountId: 9007199254740993n, state: TransferState.TRANSFER_STATE_PENDING, pageSize: 50 });
console.log(reply);`);
  const requests: unknown[] = [];
  const stub = { listTransfers: async (request: object) => requests.push(request) };
  await run(code, { createFinanceClient: () => stub, TransferState });
  expect(requests).toEqual([
    { accountId: 9007199254740993n, state: TransferState.TRANSFER_STATE_PENDING, pageSize: 50 },
  ]);
  expect(clientOf(sent(listAccounts, { type: "ACCOUNT_TYPE_ASSET" }))).toContain(`AccountType.${AccountType[1]}`);
});

test("the client's code names the prefix only if it is not the usual one", () => {
  const call = sent(getAccount, { id: "4" }, { prefix: "/it's" });
  expect(clientOf(call)).toContain(`prefix: "/it's", token: process.env.TOKEN`);
  expect(clientOf(sent(getAccount, { id: "4" }))).not.toContain("prefix");
});
