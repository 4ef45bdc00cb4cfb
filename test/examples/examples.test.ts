/** Each example does what its README says. Those with a page are in test/browser. */
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, expect, test } from "vitest";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { freePort } from "../setup/process.ts";
import { startTestService } from "../setup/service.ts";
import { commandsOf, copyProject, type Running, runCommands } from "./project.ts";

const BUILD = "npm run build:packages\n";

let project: string;
beforeAll(async () => {
  project = await copyProject();
});

const running: Running[] = [];

afterEach(async () => {
  for (const commands of running.splice(0)) await commands.stop();
});

/** Runs commands in the copy; its packages are built already. */
function run(commands: string, env: Record<string, string> = {}): Running {
  const started = runCommands(commands.replace(BUILD, ""), { cwd: project, env });
  running.push(started);
  return started;
}

/** Runs commands to their end. */
async function outcome(commands: string, env: Record<string, string> = {}) {
  const started = run(commands, env);
  return { code: await started.ended, output: started.output() };
}

/** What a strict compiler says about an example. */
async function mistakesIn(example: string, files: readonly string[]): Promise<string> {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: "es2023",
    lib: ["es2023", "dom", "dom.iterable"],
    types: ["node"],
    module: "esnext",
    moduleResolution: "bundler",
    jsx: "react-jsx",
    allowImportingTsExtensions: true,
  };
  const configuration = join(project, "examples", example, "tsconfig.json");
  await writeFile(configuration, JSON.stringify({ compilerOptions, files }));
  const { stdout } = await promisify(execFile)("node_modules/.bin/tsc", ["-p", configuration]).catch((error) => error);
  await rm(configuration);
  return stdout;
}

test("node-script posts a transfer and prints the statement", async () => {
  const service = await startTestService();
  try {
    const from = await openFunded(service, "alice", 5000);
    const to = await openAccount(service, "bob");
    const [start, script = ""] = await commandsOf("node-script");
    expect(start).toBe(`${BUILD}npm start\n`);
    expect(script).toMatch(/^export TOKEN=.*\nnode examples\/node-script\/transfer\.mjs 4 6 12\.50\n$/);
    const env = { API: service.url, TOKEN: await service.token("alice") };
    const transfer = (...args: string[]) => outcome(["node examples/node-script/transfer.mjs", ...args].join(" "), env);
    expect(await transfer(from, to, "12.50")).toEqual({
      code: 0,
      output: expect.stringMatching(/^Transfer \d+: \$12\.50\n\S+Z −\$12\.50\n\S+Z \$50\.00\n$/),
    });
    expect(await transfer(from, to, "1000")).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^failed_precondition: /),
    });
    expect(await transfer(from, to, "1.234")).toMatchObject({ code: 1 });
    expect(await transfer()).toMatchObject({ code: 2 });
  } finally {
    await service.close();
  }
});

test("webhook delivers each event once and in order, although both sides stop and start", async () => {
  const service = await startTestService();
  try {
    const from = await openFunded(service, "alice", 5000);
    const to = await openAccount(service, "bob");
    const [start, receive = "", send = ""] = await commandsOf("webhook");
    expect(start).toBe(`${BUILD}npm start\n`);
    const port = `${await freePort()}`;
    const sender = send.replace(/^export TOKEN=.*\n/m, "").replace("8081", port);
    expect(sender).not.toBe(send);
    const env = {
      API: service.url,
      TOKEN: await service.token("alice"),
      CURSOR_FILE: join(project, "webhook.cursor"),
    };
    const transfer = (amount: number) =>
      service.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount });

    // Nobody listens yet: the sender tries again.
    const first = run(sender, env);
    await first.printed("trying again");
    let receiver = run(receive, { PORT: port });
    await first.printed(/delivered\n.*delivered\n/);
    expect(receiver.output()).toMatch(/evt_2 account\.created Wallet\nevt_3 transfer\.posted 5000\n$/);
    await first.stop();

    // The receiver is away while the sender starts and stops again.
    await receiver.stop();
    await transfer(1);
    await transfer(2);
    const second = run(sender, env);
    await second.printed("trying again");
    await second.stop();
    receiver = run(receive, { PORT: port });
    await receiver.printed("listening");
    // The old cursor again: as if the sender had crashed before it stored the new one. The receiver ignores what it knows.
    const stored = await readFile(env.CURSOR_FILE, "utf8");
    const third = run(sender, env);
    await third.printed(/delivered\n.*delivered\n/);
    await third.stop();
    await writeFile(env.CURSOR_FILE, stored);
    const fourth = run(sender, env);
    await fourth.printed(/delivered\n.*delivered\n/);
    await fourth.stop();
    expect(receiver.output().trim().split("\n").slice(1)).toEqual([
      "evt_5 transfer.posted 1",
      "evt_6 transfer.posted 2",
    ]);

    const forged = await fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      headers: {
        "webhook-id": "evt_9",
        "webhook-timestamp": `${Math.floor(Date.now() / 1000)}`,
        "webhook-signature": "v1,Zm9yZ2Vk",
      },
      body: "{}",
    });
    expect(forged.status).toBe(401);
    expect(await outcome(sender, { ...env, TOKEN: "" })).toMatchObject({ code: 2 });
  } finally {
    await service.close();
  }
}, 90_000);

test("search-index finds transfers by words, and continues after a crash in the middle of a line", async () => {
  const service = await startTestService();
  try {
    const from = await openFunded(service, "alice", 5000);
    const to = await openAccount(service, "bob");
    const [start, follow = "", search = ""] = await commandsOf("search-index");
    expect(start).toBe(`${BUILD}npm start\n`);
    const follower = follow.replace(/^export TOKEN=.*\n/m, "");
    const file = join(project, "search-index.jsonl");
    const env = { API: service.url, TOKEN: await service.token("alice"), INDEX_FILE: file };
    const find = (words: string) => outcome(search.replace("corner grocery", words), env);
    const transfer = (description: string) =>
      service.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount: 150, description });

    await transfer("Weekly groceries");
    const first = run(follower, env);
    await first.printed("2 transfers, 2 words");
    await transfer("Groceries, urgent");
    await first.printed("3 transfers, 3 words");
    await first.stop();
    await writeFile(file, '{"cursor":"', { flag: "a" });
    await transfer("Rent");
    const second = run(follower, env);
    await second.printed("4 transfers, 4 words");
    await second.stop();

    const line = (words: string) => expect.stringMatching(new RegExp(`^\\d+ \\$1\\.50 ${words}\n$`));
    expect(await find("rent")).toEqual({ code: 0, output: line("Rent") });
    expect(await find("URGENT groceries")).toEqual({ code: 0, output: line("Groceries, urgent") });
    expect((await find("groceries")).output.split("\n")).toHaveLength(3);
    expect(await find("coffee")).toEqual({ code: 0, output: "" });
    expect(await outcome(follower, { ...env, TOKEN: "" })).toMatchObject({ code: 2 });
  } finally {
    await service.close();
  }
}, 90_000);

test("own-service generates, compiles, serves and is called", async () => {
  const [serve = "", call = "", curl = ""] = await commandsOf("own-service");
  expect(serve.startsWith(BUILD)).toBe(true);
  const port = `${await freePort()}`;
  const server = run(serve, { PORT: port });
  await server.printed("Server listening");

  const env = { HATS: `http://127.0.0.1:${port}/twirp` };
  expect(await outcome(call, env)).toEqual({ code: 0, output: "Hat 1 is black and fits 12 inches.\n" });
  expect(await outcome(call.replace("12", "0"), env)).toEqual({
    code: 1,
    output: "invalid_argument: inches must be 1 to 100, got 0\n",
  });
  const { output } = await outcome(curl.replace("curl", "curl -s").replace("8080", port));
  expect(JSON.parse(output)).toEqual({ id: "2", inches: 12, colour: "black" });
  const preflight = await fetch(`http://127.0.0.1:${port}/twirp/hats.v1.HatService/MakeHat`, {
    method: "OPTIONS",
    headers: {
      origin: "http://localhost:3000",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");

  expect(await mistakesIn("own-service", ["server.ts", "client.ts"])).toBe("");
}, 90_000);

test("the quickstart of docs/twirp.md shows the files of own-service", async () => {
  const guide = await readFile("docs/twirp.md", "utf8");
  const quickstart = guide.slice(guide.indexOf("## Quickstart"), guide.indexOf("## Mounting"));
  const blocks = [...quickstart.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, code]) => [language, code]);
  const file = async (name: string) => await readFile(`examples/own-service/${name}`, "utf8");
  expect(blocks).toEqual([
    ["proto", await file("proto/hats/v1/hats.proto")],
    ["yaml", await file("buf.gen.yaml")],
    ["ts", await file("server.ts")],
    ["sh", (await commandsOf("own-service"))[2]],
  ]);
});

test("react-query compiles", async () => {
  expect(await mistakesIn("react-query", ["page.tsx", "vite.config.ts"])).toBe("");
});

test("cors-only serves, the doctor tells its two pages apart, and a policy with mistakes does not start", async () => {
  const [serve = "", ask = "", refused = ""] = await commandsOf("cors-only");
  const port = `${await freePort()}`;
  const server = run(serve, { PORT: port });
  await server.printed("Server listening");

  const commands = ask.replaceAll("npm run doctor --", "node dist/cli/doctor.js").replaceAll("8080", port);
  const [allowed, blocked, ...others] = commands.trim().split("\n");
  expect(others).toEqual([]);
  expect(await outcome(`${allowed}`)).toEqual({ code: 0, output: expect.stringContaining("ALLOWED") });
  expect(await outcome(`${blocked}`)).toEqual({ code: 1, output: expect.stringContaining("BLOCKED by the preflight") });
  expect(server.output()).toContain("nearest allowed origin https://app.example.com");

  expect(await outcome(refused, { PORT: `${await freePort()}` })).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^allowedOrigins: https:\/\/app\.example\.com\/: .*\nallowedOrigins: app\.example\.org: .*\n$/,
    ),
  });
});
