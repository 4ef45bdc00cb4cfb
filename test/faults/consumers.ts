/**
 * Programs that follow the feed of events, in TypeScript and in Python, each with its own copy of the books. Both check that
 * positions are dense, that each account's entries come as sequences 1, 2, 3 ..., and that balances continue. They are killed
 * from time to time, and continue from the cursor that they stored together with their copy.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { build } from "esbuild";
import type { Pool } from "pg";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { mintToken } from "../../src/auth/index.ts";
import { makeOwnDirectory } from "../setup/belongings.ts";
import { type Finding, pause, SECRET } from "./traffic.ts";

/** An account as its events tell it. */
interface AccountCopy {
  name: string;
  status: string;
  sequence: number;
  balance: number;
  debits_pending: number;
  credits_pending: number;
}

/** A copy of the books. */
export interface BooksCopy {
  cursor: string;
  /** Of the last event in it. */
  position: number;
  /** By id. */
  accounts: Record<string, AccountCopy>;
}

export const HAS_PYTHON = Boolean(process.env["CI"]) || spawnSync("python3", ["--version"]).status === 0;

/** Milliseconds that a consumer runs until it is killed. */
const LIFE_MS = { min: 500, max: 4000 };
const CATCH_UP_MS_MAX = 60_000;

export interface ConsumersOptions {
  /** Services on one database. */
  readonly urls: readonly string[];
  readonly random: () => number;
}

/** Starts the consumers from the first event. */
export async function startConsumers({ urls, random }: ConsumersOptions) {
  // Once nothing more goes wrong, the consumers catch up and are killed no more.
  let settling = false;
  let ending = false;
  const token = await mintToken(SECRET, { subject: "consumer", scope: "finance.admin", lifetimeSeconds: 86_400 });
  // Started through tsx, it would compile at each start.
  const directory = makeOwnDirectory("finance-consumers-");
  const bundle = join(directory.path, "consumer.mjs");
  await build({
    entryPoints: [program("consumer.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
  });
  const consumers = [
    keepConsuming("typescript", process.execPath, [bundle], urls.slice(-1)),
    ...(HAS_PYTHON ? [keepConsuming("python", "python3", [program("consumer.py")], urls)] : []),
  ];

  function keepConsuming(name: string, command: string, start: readonly string[], from: readonly string[]) {
    const file = join(directory.path, `${name}.json`);
    const findings: string[] = [];
    let current: ChildProcess | undefined;
    const run = async () => {
      while (!ending && findings.length === 0) {
        const child = spawn(command, [...start, file, token, ...from], {
          cwd: directory.path,
          // Not the clock of the servers.
          env: { PATH: process.env["PATH"] },
          stdio: ["ignore", "ignore", "pipe"],
        });
        let output = "";
        child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
        const lifeMs = LIFE_MS.min + random() * (LIFE_MS.max - LIFE_MS.min);
        const timer = setTimeout(() => settling || child.kill("SIGKILL"), lifeMs);
        current = child;
        const [code, signal] = await once(child, "close");
        clearTimeout(timer);
        if (signal !== "SIGKILL") findings.push(`the ${name} consumer ended with ${signal ?? code}: ${output}`);
      }
    };
    const ended = run();
    return {
      name,
      findings,
      end: async () => {
        current?.kill("SIGKILL");
        await ended;
      },
      copy: (): BooksCopy | undefined => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined),
    };
  }

  const end = async () => {
    ending = true;
    await Promise.all(consumers.map((consumer) => consumer.end()));
    await directory.remove();
  };
  return {
    end,
    /** Waits until the copies equal the books, and ends the consumers. @returns what is wrong with them. */
    check: async (pool: Pool): Promise<Finding[]> => {
      settling = true;
      const deadline = Date.now() + CATCH_UP_MS_MAX;
      const untilEqual = async ({ name, findings, copy }: (typeof consumers)[number]): Promise<string[]> => {
        for (;;) {
          if (findings.length > 0) return findings;
          const differences = differencesOf(name, copy(), await readBooks(pool));
          if (differences.length === 0 || Date.now() > deadline) return differences;
          await pause(100);
        }
      };
      const found = (await Promise.all(consumers.map(untilEqual))).flat();
      await end();
      return found.map((text) => ({ kind: "books", text }));
    },
  };
}

export type Consumers = Awaited<ReturnType<typeof startConsumers>>;

function program(name: string): string {
  return join(import.meta.dirname, "programs", name);
}

async function readBooks(pool: Pool): Promise<Omit<BooksCopy, "cursor">> {
  const { rows } = await pool.query<{ id: bigint; status: AccountStatus; position: bigint; [amount: string]: unknown }>(
    `select a.id, a.name, b.status, b.last_sequence as sequence,
            (b.credits_posted - b.debits_posted) * case when b.debit_normal then -1 else 1 end as balance,
            b.debits_pending, b.credits_pending, (select sum(cardinality(types)) from feed) as position
       from account a
       join account_balance b on b.account_id = a.id`,
  );
  const accounts = rows.map(({ id, name, status, position: _, ...numbers }) => [
    id,
    {
      name,
      status: `ACCOUNT_STATUS_${AccountStatus[status]}`,
      ...Object.fromEntries(Object.entries(numbers).map(([column, value]) => [column, Number(value)])),
    },
  ]);
  return { position: Number(rows[0]?.position ?? 0), accounts: Object.fromEntries(accounts) };
}

function differencesOf(name: string, copy: BooksCopy | undefined, books: Omit<BooksCopy, "cursor">): string[] {
  if (copy === undefined) return [`the ${name} consumer has stored nothing`];
  const findings: string[] = [];
  if (copy.position !== books.position) {
    findings.push(`the ${name} consumer has ${copy.position} events, the books ${books.position}`);
  }
  for (const id of new Set([...Object.keys(copy.accounts), ...Object.keys(books.accounts)])) {
    const [copied, expected] = [copy.accounts[id], books.accounts[id]];
    if (isDeepStrictEqual(copied, expected)) continue;
    findings.push(
      `account ${id} of the ${name} consumer is ${JSON.stringify(copied)}, in the books ${JSON.stringify(expected)}`,
    );
  }
  return findings;
}
