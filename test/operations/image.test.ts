/**
 * The image as far as it can be made without a container engine: the tree that the Dockerfile's last stage copies, run by
 * its CMD under its ENV, as a user that can write nothing.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createEmptyDatabase, type TestDatabase } from "../setup/database.ts";
import { freePort } from "../setup/process.ts";

interface Stage {
  readonly copies: readonly { readonly sources: readonly string[]; readonly target: string }[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

const tree = join(inject("scratch"), "image");
const run = promisify(execFile);
let stage: Stage;
let database: TestDatabase;
let relay: Server;
let environment: Record<string, string>;
let server: ChildProcess | undefined;

beforeAll(async () => {
  await Promise.all(["build:image", "sbom"].map((script) => run("npm", ["run", "--silent", script])));
  stage = readLastStage(await readFile("Dockerfile", "utf8"));
  await mkdir(tree);
  for (const { sources, target } of stage.copies) {
    for (const source of sources) {
      const to = target === "./" ? join(tree, basename(source)) : join(tree, target);
      await cp(source, to, { recursive: true });
    }
  }
  for (const path of await filesOf(tree)) await chmod(path, path.endsWith(".sh") ? 0o555 : 0o444);
  database = await createEmptyDatabase();
  relay = await openRelay(database);
  const url = new URL(database.url);
  url.host = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
  url.searchParams.delete("host");
  environment = {
    ...stage.environment,
    HOST: "127.0.0.1",
    PORT: `${await freePort()}`,
    DATABASE_URL: url.href,
    AUTH_JWT_SECRET: "a secret for tests, 32 bytes or more",
    CORS_ALLOWED_ORIGINS: "http://localhost:5173",
    TMPDIR: "/nonexistent",
  };
});
afterAll(async () => {
  server?.kill("SIGKILL");
  relay?.close();
  await database?.drop();
});

/** A port that leads to the database: its socket is for the user alone that runs this test. */
async function openRelay({ url }: TestDatabase): Promise<Server> {
  const { hostname, port, searchParams } = new URL(url);
  const directory = searchParams.get("host");
  const listening = createServer((near) => {
    const far = directory === null ? connect(Number(port), hostname) : connect(join(directory, `.s.PGSQL.${port}`));
    near.pipe(far).pipe(near);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const)
      end.on("error", () => other.destroy());
  }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  return listening;
}

/** The last stage's instructions, where what an earlier stage made is where it is in the checkout. */
function readLastStage(dockerfile: string): Stage {
  const lines = dockerfile.split("\n");
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
  const argumentsOf = (name: string) =>
    last.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const list = (text = ""): string[] => JSON.parse(text.slice(text.indexOf("[")));
  const pairs = argumentsOf("ENV").flatMap((line) => line.split(" "));
  return {
    copies: argumentsOf("COPY")
      .map((line) => line.split(" ").filter((part) => !part.startsWith("--")))
      .map((parts) => ({ sources: parts.slice(0, -1), target: `${parts.at(-1)}` }))
      // Node itself is the one that runs this test.
      .filter(({ target }) => target !== "/usr/local/bin/node")
      .map(({ sources, target }) => ({ sources: sources.map((source) => relative("/app", source)), target })),
    environment: Object.fromEntries(pairs.map((pair) => pair.split("="))),
    user: argumentsOf("USER")[0] ?? "root",
    command: list(argumentsOf("CMD")[0]),
    healthcheck: list(argumentsOf("HEALTHCHECK")[0]),
  };
}

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** Starts a command of the image, `node` being the one that runs this test; as root, under the image's own user. */
function start([program = "", ...args]: readonly string[]): ChildProcess {
  const [uid, gid] = stage.user.split(":").map(Number);
  return spawn(program === "node" ? process.execPath : program, args, {
    cwd: tree,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    ...(process.getuid?.() === 0 && { uid, gid }),
  });
}

/** Runs a command of the image to its end: exit code, then all that it printed. */
async function outcomeOf(command: readonly string[]): Promise<[code: number, output: string]> {
  const child = start(command);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  return [code, output.trim()];
}

test("holds the bundle, the pages and the migrations: no package, no tool, no database, in less than 10 MB", async () => {
  const files = await filesOf(tree);
  const kinds = new Set(files.map((file) => relative(tree, file).replace(/[^/]+$/, "*")));
  expect([...kinds].sort()).toEqual(["*", "dist/*", "dist/cli/*", "dist/web/*", "dist/web/assets/*", "migrations/*"]);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10_000_000);
});

test("does not run as root, and names its user by number, as orchestrators want it", () => {
  expect(stage.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});

test("migrates, serves, is healthy, and exits with 0 when asked to, without having written files", async () => {
  const before = await filesOf(tree);
  expect(await outcomeOf(stage.healthcheck)).toEqual([1, ""]);
  const migrations = (await readdir("migrations")).filter((name) => /^\d/.test(name)).sort();
  const applied = migrations.map((name) => `applied ${name.replace(".sql", "")}`).join("\n");
  expect(await outcomeOf(["node", "dist/cli/migrate.js"])).toEqual([0, applied]);

  server = start(stage.command);
  const ended = once(server, "close");
  await expect.poll(() => outcomeOf(stage.healthcheck), { timeout: 20_000 }).toEqual([0, ""]);
  const ready = await fetch(`http://127.0.0.1:${environment["PORT"]}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);

  server.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(await filesOf(tree)).toEqual(before);
});

test("does not offer an embedded database, which it lacks, if it can't reach its own", async () => {
  const reachable = environment;
  environment = { ...environment, DATABASE_URL: `postgres://finance@127.0.0.1:${await freePort()}/finance` };
  const [code, output] = await outcomeOf(["node", "dist/cli/migrate.js"]);
  environment = reachable;
  expect(code).toBe(1);
  expect(output).toMatch(/nothing listens there; start PostgreSQL, or check DATABASE_URL$/);
});

test("limits V8's heap by the container's memory, and new objects as npm start does, unless NODE_OPTIONS differs", async () => {
  const directory = join(inject("scratch"), "control-group");
  await mkdir(directory);
  const script = (await readFile("deploy/image/start.sh", "utf8")).replace(
    "/sys/fs/cgroup/memory.max",
    `${directory}/max`,
  );
  const options = async (limit: string, env: Record<string, string> = {}) => {
    await writeFile(join(directory, "max"), `${limit}\n`);
    const command = ["-c", script, "start.sh", "sh", "-c", "echo $NODE_OPTIONS"];
    return (await run("sh", command, { env: { PATH: process.env["PATH"] ?? "", ...env } })).stdout.trim();
  };
  const young = /--max-semi-space-size=\d+/.exec(script)?.[0];
  expect(await options("536870912")).toBe(`${young} --max-old-space-size=307`);
  expect(await options("536870912", { WORKERS: "2" })).toBe(`${young} --max-old-space-size=153`);
  expect(await options("max")).toBe(young);
  expect(await options("9223372036854771712")).toBe(young);
  // Node takes the last of two options, so that both limits can be overridden.
  const own = "--max-old-space-size=100 --max-semi-space-size=32";
  expect(await options("536870912", { NODE_OPTIONS: own })).toBe(`${young} ${own}`);
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  expect(scripts.start).toContain(` ${young} `);
});

test("serves the console by itself, for an API that is elsewhere", async () => {
  const mistaken = await outcomeOf(["node", "dist/cli/console.js"]);
  expect(mistaken).toEqual([1, expect.stringMatching(/CONSOLE_API_URL: is required/)]);
  Object.assign(environment, { CONSOLE_PORT: `${await freePort()}`, CONSOLE_API_URL: "https://api.example.com" });
  server = start(["node", "dist/cli/console.js"]);
  const ended = once(server, "close");
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${environment["CONSOLE_PORT"]}${path}`).catch(() => undefined);
    return await response?.text();
  };
  await expect.poll(() => get("/"), { timeout: 20_000 }).toContain("<!doctype html>");
  expect(await get("/settings.json")).toBe('{"apiUrl":"https://api.example.com","twirpPrefix":"/twirp"}');
  server.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
