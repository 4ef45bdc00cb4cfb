/** @finance-service/twirp in a stranger's project: a service that is generated there, served on Fastify and called. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../setup/process.ts";
import { type Installed, importsOf, readmeBlock, type Stranger, startStranger } from "./stranger.ts";

const run = promisify(execFile);
const bin = (name: string) => join(process.cwd(), "node_modules/.bin", name);

/** Generated code imports types and values alike, without the ends of file names. */
const settings = {
  types: ["node"],
  lib: ["es2023"],
  module: "esnext",
  moduleResolution: "bundler",
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: false,
};

// npm may have to fetch packages.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let stranger: Stranger;
let withFastify: Installed[];
let server: ReturnType<typeof spawn> | undefined;

beforeAll(async () => {
  stranger = await startStranger("twirp");
  await stranger.install("fastify@5", "@protobuf-ts/runtime@2", "@protobuf-ts/runtime-rpc@2");
  withFastify = await stranger.installed();
  await stranger.install("@types/node@20.19.43");
  await stranger.write({ "proto/hats.proto": await readmeBlock("twirp", "hats.proto") });
});
afterEach(async () => {
  if (server?.kill()) await once(server, "close");
  server = undefined;
});

/** Generates code in the project, as a protoc plugin does with these options. */
async function generate(...plugins: { local: string; opt: string }[]): Promise<void> {
  const [version, inputs] = ["v2", [{ directory: "proto" }]];
  const outputs = plugins.map(({ local, opt }) => ({ local: bin(local), out: "generated", strategy: "all", opt }));
  await stranger.write({ "buf.gen.yaml": JSON.stringify({ version, inputs, plugins: outputs }) });
  await run(bin("buf"), ["generate"], { cwd: stranger.folder });
}

async function start(file: string): Promise<string> {
  const port = await freePort();
  const path = join(stranger.folder, file);
  const text = await readFile(path, "utf8");
  await stranger.write({ [file]: text.replace("8080", `${port}`) });
  server = spawn(process.execPath, [bin("tsx"), file], { cwd: stranger.folder, stdio: "inherit" });
  const url = `http://127.0.0.1:${port}/twirp/hats.HatService/MakeHat`;
  await vi.waitFor(() => fetch(url), 20_000);
  return url;
}

async function call(url: string, inches: number) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ inches }) });
  return [response.status, await response.json()];
}

test("with Fastify it brings at most 60 packages, without twirp-ts and without install scripts", () => {
  expect(withFastify.length).toBeLessThanOrEqual(60);
  expect(withFastify.filter(({ name, hasInstallScript }) => hasInstallScript || name === "twirp-ts")).toEqual([]);
});

test("the tarball has code and types, and nothing else", () => {
  const others = stranger.packed.filter((path) => !/^dist\/(?:codec\/)?[\w-]+\.d\.ts$/.test(path));
  expect(others).toEqual(["LICENSE", "README.md", "dist/index.js", "package.json"]);
});

test("package.json lists exactly the packages that the code and the types import, and twirp-ts", async () => {
  const { dependencies, peerDependencies } = stranger.manifest;
  const listed = Object.keys({ ...dependencies, ...peerDependencies }).sort();
  expect([...(await importsOf(stranger)), "twirp-ts"]).toEqual(listed);
});

test("the README's service, which protobuf-ts generated, is typed, served and called", async () => {
  const readme = await readFile("packages/twirp/README.md", "utf8");
  await generate({ local: "protoc-gen-ts", opt: readme.match(/--ts_opt (\S+)/)?.[1] ?? "" });
  await stranger.write({ "server.ts": await readmeBlock("twirp", "server.ts") });
  expect(await stranger.typeCheck("server.ts", settings)).toBe("");

  const url = await start("server.ts");
  expect(await call(url, 12)).toEqual([200, { inches: 12, colour: "brown" }]);
  expect(await call(url, 0)).toEqual([
    400,
    { code: "invalid_argument", msg: "inches must be at least 1", meta: { argument: "inches" } },
  ]);
  const headers = { "content-type": "application/protobuf" };
  const binary = await fetch(url, { method: "POST", headers, body: Buffer.from([0x08, 12]) });
  expect(Buffer.from(await binary.arrayBuffer()).toString("latin1")).toBe("\x08\x0c\x12\x05brown");
});

test("a server of twirp-ts is typed, served and called, with twirp-ts's own errors and hooks", async () => {
  await stranger.install("twirp-ts@2.5.0");
  await generate(
    { local: "protoc-gen-ts", opt: "client_none,output_typescript" },
    { local: "protoc-gen-twirp_ts", opt: "server_only" },
  );
  await stranger.write({
    "twirp-ts-server.ts": `
import { type CallContext, twirp, twirpOptions } from "@finance-service/twirp";
import Fastify from "fastify";
import { NotFoundError, type ServerHooks, TwirpError, TwirpErrorCode } from "twirp-ts";
import { HatService } from "./generated/hats.ts";
import { createHatServiceServer, type HatServiceTwirp } from "./generated/hats.twirp.ts";

type HatContext = CallContext & { readonly colour: string };

const hats: HatServiceTwirp<HatContext> = {
  async MakeHat({ colour }, { inches }) {
    if (inches < 1) throw new NotFoundError("no such hat");
    if (inches > 100) throw new RangeError("too large");
    return { inches, colour };
  },
};
const hooks: ServerHooks<HatContext> = {
  responsePrepared: ({ headers }) => void headers.set("x-hook", "ran"),
  error: (context, error: TwirpError) => void context.log.info(error.code),
};
const server = createHatServiceServer<HatContext>(hats);
server.use(hooks);
const app = Fastify();
await app.register(
  twirp,
  twirpOptions<HatContext>({
    services: [{ server, type: HatService }],
    hooks: [hooks],
    extendContext: () => ({ colour: "red" }),
    mapError: (error) => (error instanceof RangeError ? new TwirpError(TwirpErrorCode.OutOfRange, error.message) : undefined),
  }),
);
await app.listen({ host: "127.0.0.1", port: 8080 });
`,
  });
  const mistakes = await stranger.typeCheck("twirp-ts-server.ts", settings);
  // twirp-ts's declarations do not pass a strict compiler; everything else must.
  expect(mistakes.split("\n").filter((line) => line !== "" && !/^(?:node_modules\/twirp-ts|\s)/.test(line))).toEqual(
    [],
  );

  const url = await start("twirp-ts-server.ts");
  expect(await call(url, 12)).toEqual([200, { inches: 12, colour: "red" }]);
  const headers = { "content-type": "application/json" };
  expect((await fetch(url, { method: "POST", headers, body: '{"inches":1}' })).headers.get("x-hook")).toBe("ran");
  expect(await call(url, 0)).toEqual([404, { code: "not_found", msg: "no such hat" }]);
  expect(await call(url, 101)).toEqual([400, { code: "out_of_range", msg: "too large" }]);
});
