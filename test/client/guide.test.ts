/** The samples of docs/client.md and docs/events.md: all are type-checked, and all but the components run against the service. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { nextTick, type Ref, ref } from "vue";
import type { Event, FinanceClient } from "../../packages/client/src/index.ts";
import { createEmptyDatabase } from "../setup/database.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { guide, samples } from "./guide-samples.ts";

// Inside the project, so that imports of packages resolve.
const directory = join(process.cwd(), "node_modules/.cache/guide");
let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService();
  token = await service.token("alice");
  const root = await service.token("root", "finance.admin");
  for (let id = 1; id <= 6; id += 1) {
    const account = { name: `Account ${id}`, type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };
    await service.call("CreateAccount", { ...account, owner: "alice", unlimited_overdraft: id === 1 }, root);
  }
  const salary = { debit_account_id: "1", credit_account_id: "4", amount: "123450" };
  await service.call("CreateTransfer", salary, token);
  await mkdir(directory, { recursive: true });
  for (const [name, code] of samples) await writeFile(join(directory, name), code);
});
afterAll(() => service.close());

beforeEach(() => {
  vi.stubGlobal("sessionStorage", { getItem: () => token });
});
afterEach(() => vi.unstubAllGlobals());

test("every sample has a name", () => {
  expect(samples.size).toBe([...guide.matchAll(/^```tsx?$/gm)].length);
  expect(samples.size).toBeGreaterThan(8);
});

test("the samples are type-checked", async () => {
  const configuration = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: "es2023",
      lib: ["es2023", "dom", "dom.iterable"],
      types: [],
      module: "esnext",
      moduleResolution: "bundler",
      jsx: "react-jsx",
      allowImportingTsExtensions: true,
      paths: { "finance-service/client": ["../../../packages/client/src/index.ts"] },
    },
    files: [...samples.keys()],
  };
  await writeFile(join(directory, "tsconfig.json"), JSON.stringify(configuration));
  const { stdout } = await promisify(execFile)("node_modules/.bin/tsc", ["-p", directory]).catch((error) => error);
  expect(stdout).toBe("");
});

/** Runs a sample against the service and returns its exports. */
async function run(name: string): Promise<Record<string, unknown>> {
  const { outputFiles } = await build({
    entryPoints: [join(directory, name)],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    alias: { "finance-service/client": "./packages/client/src/index.ts" },
    write: false,
  });
  const code = (outputFiles[0]?.text ?? "").replaceAll("http://localhost:9707", service.url);
  const path = join(directory, `${name}.mjs`);
  await writeFile(path, code);
  return await import(/* @vite-ignore */ pathToFileURL(path).href);
}

test.each<[name: string, exported: object]>([
  ["first-call.ts", { line: "Account 4: 123450 USD" }],
  [
    "statement.ts",
    { amounts: [123450n], sizes: [6], transfers: [expect.objectContaining({ amount: 123450n })], nextPageToken: "" },
  ],
  [
    "times.ts",
    { balanceThen: expect.objectContaining({ balance: 123450n }), later: expect.objectContaining({ entries: [] }) },
  ],
  ["json.ts", { stored: expect.stringMatching(/^{"id":"4",.*"balance":"123450",/) }],
  ["money.ts", { shown: "$1,234.50", lines: ["$1,234.50"], german: "1.234,50\u00a0€", minor: 123450n }],
])("%s gives what it says", async (name, exported) => {
  expect(await run(name)).toMatchObject(exported);
});

test("every transport of the guide calls", async () => {
  const clients = Object.entries(await run("transports.ts"));
  expect(clients).toHaveLength(5);
  for (const [, client] of clients) {
    const { getAccount } = client as Record<"getAccount", (request: object) => Promise<unknown>>;
    expect(await getAccount({ id: 4n })).toMatchObject({ id: 4n, name: "Account 4" });
  }
});

test("the guide's function turns refusals into messages for people", async () => {
  const { pay } = (await run("refusals.ts")) as Record<"pay", (amount: bigint) => Promise<string | undefined>>;
  expect(await pay(1n)).toBeUndefined();
  expect(await pay(10n ** 12n)).toBe("There is not enough money.");
  expect(await pay(0n)).toMatch(/^That did not work \(.+\)\.$/);
  token = await service.token("bob");
  expect(await pay(1n)).toMatch(/not yours|did not work/);
  token = await service.token("alice", "finance.write", -60);
  expect(await pay(1n)).toBe("Sign in again.");
  token = await service.token("alice");
});

test("the guide's token function is called again when the service refuses its token", async () => {
  const tokens = [await service.token("alice", "finance.read", -60), token];
  const { fetch: send } = globalThis;
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) =>
    url === "/session/token" ? new Response(tokens.shift()) : await send(url, init),
  );
  const { finance } = (await run("tokens.ts")) as Record<"finance", FinanceClient>;
  expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
  expect(tokens).toEqual([]);
});

test("the guide's Vue function clears the account when the id changes", async () => {
  const { useAccount } = (await run("use-account.ts")) as Record<
    "useAccount",
    (id: Ref<bigint>) => { account: Ref<object | undefined>; problem: Ref<object | undefined> }
  >;
  const id = ref(4n);
  const { account, problem } = useAccount(id);
  await vi.waitFor(() => expect(account.value).toMatchObject({ id: 4n }));
  id.value = 999n;
  await nextTick();
  expect(account.value).toBeUndefined();
  await vi.waitFor(() => expect(problem.value).toMatchObject({ code: "not_found" }));
  id.value = 5n;
  await nextTick();
  expect(problem.value).toBeUndefined();
  await vi.waitFor(() => expect(account.value).toMatchObject({ id: 5n }));
});

describe("events", () => {
  const patience = { timeout: 20_000, interval: 10 };
  const deposit = () => service.call("CreateTransfer", { debit_account_id: "1", credit_account_id: "4", amount: "7" });

  test("the guide's loop reports new transfers until it is canceled", async () => {
    const { watch } = (await run("watch.ts")) as Record<
      "watch",
      (id: bigint, report: (amount: bigint) => void, signal: AbortSignal) => Promise<void>
    >;
    const controller = new AbortController();
    const amounts: bigint[] = [];
    const ended = watch(4n, (amount) => amounts.push(amount), controller.signal);
    // The loop starts after the newest event at its first reply, so it may miss the first transfer.
    await vi.waitFor(async () => {
      await deposit();
      expect(amounts).toContain(7n);
    }, patience);
    controller.abort();
    expect(await ended).toBeUndefined();
  });

  test("the guide's page shows each new balance, and that it is live", async () => {
    const { showBalance } = (await run("live-page.ts")) as Record<
      "showBalance",
      (id: bigint, balance: { textContent: string }, mark: { textContent: string }) => Promise<void>
    >;
    const [balance, mark] = [{ textContent: "" }, { textContent: "" }];
    const ended = showBalance(4n, balance, mark).catch((error: unknown) => error);
    await vi.waitFor(() => expect(balance.textContent).toMatch(/\d/), patience);
    const before = balance.textContent;
    await deposit();
    await vi.waitFor(() => expect(balance.textContent).not.toBe(before), patience);
    expect(mark.textContent).toBe("live");
    token = await service.token("alice", "");
    await deposit();
    expect(await ended).toMatchObject({ code: "permission_denied" });
    token = await service.token("alice");
  });

  test("the guide's follower continues where its last run ended", async () => {
    interface Store {
      load(): Promise<string | undefined>;
      save(events: readonly { readonly id: bigint }[], cursor: string): Promise<void>;
    }
    const { follow } = (await run("follow.ts")) as Record<"follow", (s: Store, signal: AbortSignal) => Promise<void>>;
    const ids: bigint[] = [];
    let stored: string | undefined;
    for (let run = 1; run <= 3; run += 1) {
      await deposit();
      const controller = new AbortController();
      const store: Store = {
        load: async () => stored,
        save: async (events, cursor) => {
          ids.push(...events.map(({ id }) => id));
          stored = cursor;
          controller.abort();
        },
      };
      await expect(follow(store, controller.signal)).rejects.toMatchObject({ code: "canceled" });
    }
    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual(ids.map((_, index) => BigInt(index + 1)));
  });
});

describe("the recipes for events", () => {
  const patience = { timeout: 20_000, interval: 20 };
  /** Runs until the condition holds, then cancels. */
  const runUntil = async (recipe: (signal: AbortSignal) => Promise<unknown>, condition: () => unknown) => {
    const controller = new AbortController();
    const ended = recipe(controller.signal).catch((error: unknown) => error);
    await vi.waitFor(condition, patience);
    controller.abort();
    expect(await ended).toMatchObject({ code: "canceled" });
  };

  test("keep balances in a cache", async () => {
    const { cacheBalances } = (await run("cache.ts")) as Record<
      "cacheBalances",
      (balances: Map<bigint, bigint>, signal: AbortSignal) => Promise<void>
    >;
    const { body } = await service.call("GetAccount", { id: "4" }, token);
    const balances = new Map<bigint, bigint>();
    await runUntil(
      (signal) => cacheBalances(balances, signal),
      () => expect(balances.get(4n)).toBe(BigInt(body.balance)),
    );
  });

  test("write one receipt for each payment", async () => {
    const { receiptsOf } = (await run("receipts.ts")) as Record<
      "receiptsOf",
      (events: readonly Event[], account: bigint) => Map<bigint, string>
    >;
    const { finance } = (await run("finance.ts")) as Record<"finance", FinanceClient>;
    const { events } = await finance.listEvents({ pageSize: 1000 });
    const receipts = receiptsOf(events, 4n);
    expect([...receipts.values()]).toContain("You received $1,234.50: ");
    const { entries } = await finance.listEntries({ accountId: 4n, pageSize: 1000 });
    expect(receipts.size).toBe(entries.filter(({ amount }) => amount > 0n).length);
  });

  test("fill a warehouse, and go on after a restart", async () => {
    const { fillWarehouse } = (await run("warehouse.ts")) as Record<
      "fillWarehouse",
      (pool: Pool, signal: AbortSignal) => Promise<void>
    >;
    const { pool, drop } = await createEmptyDatabase();
    const schema = /^ \* (create table .*?) \*\//ms.exec(samples.get("warehouse.ts") ?? "")?.[1] ?? "";
    await pool.query(schema.replaceAll(" * ", ""));
    const entries = "select account_id, sequence, transfer_id, amount, balance_after, created_at from";
    const expectCopy = async () => {
      const { rows: copied } = await pool.query(`${entries} ledger_entry order by 1, 2`);
      const { rows: original } = await service.pool.query(`${entries} entry order by 1, 2`);
      expect(copied).toEqual(original);
    };
    for (let restart = 0; restart < 2; restart += 1) {
      const move = { debit_account_id: "1", credit_account_id: "4", amount: 3 };
      expect((await service.call("CreateTransfer", move, token)).status).toBe(200);
      await runUntil((signal) => fillWarehouse(pool, signal), expectCopy);
    }
    await drop();
  });
});

test("a form that is sent twice moves money once", async () => {
  const { submitOnce } = (await run("form.ts")) as Record<"submitOnce", (amount: bigint) => () => Promise<object>>;
  const submit = submitOnce(2n);
  expect(await submit()).toEqual(await submit());
});

test("the small client has the methods that it names", async () => {
  const { finance } = await run("small.ts");
  expect(Object.keys(finance as object)).toEqual(["getAccount", "listEntries"]);
});
