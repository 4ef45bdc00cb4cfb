/** `npm run dev` and `npm run test:watch` on a copy of the sources: what is edited is loaded again, and nothing outlives them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { launchChromium } from "../setup/chromium.ts";
import { freePort } from "../setup/process.ts";

const SOURCES = [
  "generated",
  "migrations",
  "package.json",
  "packages",
  "src",
  "test/setup",
  "test/web",
  "tools",
  "tsconfig.generated.json",
  "tsconfig.json",
  "vitest.config.ts",
  "web",
];
const WAIT = { timeout: 60_000 };

let copy: string;
let browser: Browser;
const running: Running[] = [];

interface Running {
  readonly child: ChildProcess;
  /** When every process that writes to its output is gone. */
  readonly ended: Promise<unknown>;
  output(): string;
}

beforeAll(async () => {
  copy = join(inject("scratch"), "dev");
  await mkdir(copy);
  for (const name of SOURCES) await cp(name, join(copy, name), { recursive: true });
  await symlink(join(process.cwd(), "node_modules"), join(copy, "node_modules"));
  browser = await launchChromium();
});
afterAll(async () => {
  for (const { child, ended } of running) {
    if (child.exitCode === null && child.signalCode === null) interrupt(child);
    await ended;
  }
  await browser?.close();
});

function start(script: string, environment: Record<string, string> = {}, ...args: string[]): Running {
  const child = spawn("npm", ["run", script, "--", ...args], {
    cwd: copy,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, to be signalled as a terminal does.
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const started: Running = { child, ended: once(child, "close"), output: () => output };
  running.push(started);
  return started;
}

/** Ctrl-C: every process of the terminal's group gets the signal. */
function interrupt({ pid = 0 }: ChildProcess): void {
  process.kill(-pid, "SIGINT");
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const path = join(copy, file);
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

/** Edits, and saves again until the change is seen: a watcher that has just started misses changes. */
async function editUntil(seen: () => unknown, file: string, from: string, to: string): Promise<void> {
  await edit(file, from, to);
  const path = join(copy, file);
  await vi.waitFor(
    async () => {
      await writeFile(path, await readFile(path, "utf8"));
      await seen();
    },
    { ...WAIT, interval: 2000 },
  );
}

test("dev: a saved file is loaded again, an error is shown and gone with the next save, and Ctrl-C leaves nothing behind", async () => {
  const [port, consolePort] = [await freePort(), await freePort()];
  const environment = {
    PORT: `${port}`,
    CONSOLE_PORT: `${consolePort}`,
    DATA_DIR: join(copy, "data"),
    DEMO_DATA: "false",
    LOG_LEVEL: "warn",
  };
  const api = `http://localhost:${port}`;
  const health = async () => await fetch(`${api}/healthz`).then((response) => response.text(), String);

  const dev = start("dev", environment);
  await vi.waitFor(async () => expect(await health()).toBe('{"status":"ok"}'), WAIT);

  const doctor = await fetch(`http://localhost:${consolePort}/doctor.html`);
  expect(await doctor.text()).toContain("<title>CORS doctor</title>");

  // The console calls the API on another origin, as the built one does.
  const page: Page = await browser.newPage();
  await page.goto(`http://localhost:${consolePort}/`);
  await page.getByRole("button", { name: "Use the development token" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor(WAIT);
  await page.evaluate("window.stayed = true");
  const title = page.getByRole("heading", { level: 1 });
  const isSummary = async () => expect(await title.innerText()).toBe("Summary");
  await editUntil(isSummary, "web/src/books/overview-page.tsx", 'title="Overview"', 'title="Summary"');
  expect(await page.evaluate("window.stayed")).toBe(true);

  await edit("src/plugins/health.ts", '"ok"', '"fine"');
  await vi.waitFor(async () => expect(await health()).toBe('{"status":"fine"}'), WAIT);

  await edit("src/plugins/health.ts", '"fine"', '"broken');
  await vi.waitFor(() => expect(dev.output()).toContain("Unterminated string literal"), WAIT);
  expect(await health()).toBe('{"status":"fine"}');
  await edit("src/plugins/health.ts", '"broken', '"whole"');
  await vi.waitFor(async () => expect(await health()).toBe('{"status":"whole"}'), WAIT);

  await edit("src/main.ts", "if (cluster.isWorker)", 'throw new Error("at start");\nif (cluster.isWorker)');
  await vi.waitFor(() => expect(dev.output()).toMatch(/src\/main\.ts:\d+.*ended with status 1/s), WAIT);
  await edit("src/main.ts", 'throw new Error("at start");\n', "");
  await vi.waitFor(async () => expect(await health()).toBe('{"status":"whole"}'), WAIT);

  interrupt(dev.child);
  await dev.ended;
  expect(await health()).toContain("fetch failed");
  await expect(access(join(copy, "data/postgres/postmaster.pid"))).rejects.toMatchObject({ code: "ENOENT" });

  const again = start("dev", environment);
  await vi.waitFor(async () => expect(await health()).toBe('{"status":"whole"}'), WAIT);
  interrupt(again.child);
  await again.ended;
  await expect(access(join(copy, "data/postgres/postmaster.pid"))).rejects.toMatchObject({ code: "ENOENT" });
}, 300_000);

test("test:watch: a saved file runs its tests again", async () => {
  const watch = start("test:watch", { NO_COLOR: "1" }, "test/web/amount.test.ts");
  await vi.waitFor(() => expect(watch.output()).toMatch(/Tests +\d+ passed/), WAIT);
  const isBroken = () => expect(watch.output()).toContain("Error: broken");
  const broken = 'if (Date.now() > 0) throw new Error("broken");\nexport function';
  await editUntil(isBroken, "web/src/components/amount.ts", "export function", broken);
  interrupt(watch.child);
  await watch.ended;
}, 180_000);
