/** Express, Fastify, Hono and NestJS in this process. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { fastifyCors } from "@fastify/cors";
import { type ServerType, serve } from "@hono/node-server";
import { Controller, Module, Put } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import expressCors from "cors";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { cors as honoCors } from "hono/cors";
import { expect, test } from "vitest";
import { type FrameworkId, frameworks } from "../../../../packages/cors/src/doctor/fixes/index.ts";
import { page, type Scene, type Start, testFixes } from "./scenes.ts";

const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => {}).constructor;

/** Runs code in which these names are known. */
async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<void> {
  await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
}

/** The port of a listening server. */
function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

const startExpress: Start = async (setting, rest, removed) => {
  const app = express();
  await run([setting, removed, rest].join("\n"), { app, cors: expressCors });
  app.put("/api", (_, response) => response.json({}));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: portOf(server.address()),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};

const origin = `origin: ["${page}"]`;
const byHand = `(request, response, next) => {
  response.set({
    "Access-Control-Allow-Origin": "${page}",
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  });
  next();
}`;

const expressScenes: readonly Scene[] = [
  { name: "no CORS at all", fails: "allow_origin_missing", broken: "" },
  { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "", credentials: true },
  { name: "another origin", fails: "origin_not_allowed", broken: 'app.use(cors({ origin: "https://app.example" }));' },
  {
    name: "a list in the header",
    fails: "allow_origin_list",
    broken: `app.use(cors({ origin: "https://app.example, ${page}" }));`,
  },
  { name: "not the method", fails: "method_not_allowed", broken: `app.use(cors({ ${origin}, methods: ["GET"] }));` },
  {
    name: "not the header",
    fails: "header_not_allowed",
    broken: `app.use(cors({ ${origin}, allowedHeaders: ["x-other"] }));`,
  },
  {
    name: "* with credentials",
    fails: "wildcard_origin_with_credentials",
    broken: "app.use(cors());",
    credentials: true,
  },
  {
    name: "credentials are not allowed",
    fails: "credentials_not_allowed",
    broken: `app.use(cors({ ${origin} }));`,
    credentials: true,
  },
  {
    name: "a login answers the preflight",
    fails: "preflight_status",
    broken: `app.use(${byHand});`,
    rest: `app.use((request, response, next) => request.get("x-client") ? next() : response.sendStatus(401));`,
  },
  {
    name: "the preflight is redirected",
    fails: "preflight_redirect",
    broken: "",
    rest: `app.use("/old", (request, response) => response.redirect(307, "/api")); app.use(${byHand});`,
    path: "/old",
  },
  {
    name: "errors lack the header",
    fails: "allow_origin_missing",
    broken: "",
    rest: `app.options("/fails", cors({ ${origin} })); app.put("/fails", (request, response) => response.sendStatus(500));`,
    path: "/fails",
    reads: 500,
  },
  {
    name: "the header comes twice",
    fails: "allow_origin_repeated",
    broken: `app.use(cors({ ${origin} }));`,
    removed: `app.use((request, response, next) => { response.append("Access-Control-Allow-Origin", "${page}"); next(); });`,
  },
];

testFixes("expressCors", startExpress, expressScenes);

class Api {
  put(): object {
    return {};
  }

  fail(): never {
    throw new Error("the API fails");
  }
}
Controller()(Api);
for (const [name, path] of [
  ["put", "api"],
  ["fail", "fails"],
] as const) {
  Put(path)(Api.prototype, name, Object.getOwnPropertyDescriptor(Api.prototype, name) ?? {});
}
class Application {}
Module({ controllers: [Api] })(Application);

const startNest: Start = async (setting, rest, removed) => {
  const app = await NestFactory.create(Application, { logger: false });
  await run([setting, removed, rest].join("\n"), { app, cors: expressCors });
  await app.listen(0, "127.0.0.1");
  return { port: portOf(app.getHttpServer().address()), stop: () => app.close() };
};

/** NestJS passes the options to the same package. */
testFixes(
  "nestjs",
  startNest,
  expressScenes.map((scene) => ({
    ...scene,
    broken: scene.broken.replace(/^app\.use\(cors\((.*)\)\);$/, "app.enableCors($1);"),
    rest: (scene.rest ?? "").replace(
      /^app\.options\("\/fails".*/,
      `app.use((request, response, next) => request.method === "OPTIONS" ? cors({ ${origin} })(request, response, next) : next());`,
    ),
  })),
);

const startFastify: Start = async (setting, rest, removed) => {
  const app = fastify();
  await run([setting, removed, rest].join("\n"), { app, cors: fastifyCors });
  app.put("/api", async () => ({}));
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { port: portOf(app.server.address()), stop: () => app.close() };
};

const fastifyByHand = `async (request, reply) => {
  reply.headers({
    "Access-Control-Allow-Origin": "${page}",
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "x-client",
    Vary: "Origin",
  });
}`;

testFixes("fastifyCors", startFastify, [
  { name: "no CORS at all", fails: "allow_origin_missing", broken: "" },
  { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "", credentials: true },
  {
    name: "another origin",
    fails: "origin_not_allowed",
    broken: 'await app.register(cors, { origin: "https://app.example", methods: ["PUT"] });',
  },
  { name: "not the method", fails: "method_not_allowed", broken: `await app.register(cors, { ${origin} });` },
  {
    name: "not the header",
    fails: "header_not_allowed",
    broken: `await app.register(cors, { ${origin}, methods: ["PUT"], allowedHeaders: ["x-other"] });`,
  },
  {
    name: "* with credentials",
    fails: "wildcard_origin_with_credentials",
    broken: 'await app.register(cors, { origin: "*", methods: ["PUT"] });',
    credentials: true,
  },
  {
    name: "credentials are not allowed",
    fails: "credentials_not_allowed",
    broken: `await app.register(cors, { ${origin}, methods: ["PUT"] });`,
    credentials: true,
  },
  {
    name: "a login answers the preflight",
    fails: "preflight_status",
    broken: `app.addHook("onRequest", ${fastifyByHand});`,
    rest: 'app.addHook("onRequest", async (request, reply) => request.headers["x-client"] ? undefined : reply.code(401).send());',
  },
  {
    name: "the preflight is redirected",
    fails: "preflight_redirect",
    broken: "",
    rest: 'app.addHook("onRequest", async (request, reply) => request.url === "/old" ? reply.redirect("/api", 307) : undefined);',
    path: "/old",
  },
  {
    name: "errors lack the header",
    fails: "allow_origin_missing",
    broken: `app.options("/fails", async (request, reply) => { await (${fastifyByHand})(request, reply); return ""; });`,
    rest: 'app.put("/fails", async () => { throw new Error("the API fails"); });',
    path: "/fails",
    reads: 500,
  },
  {
    name: "the header comes twice",
    fails: "allow_origin_repeated",
    broken: `await app.register(cors, { ${origin}, methods: ["PUT"] });`,
    removed: `app.addHook("onSend", async (request, reply) => { const header = "Access-Control-Allow-Origin"; reply.header(header, [reply.getHeader(header), "${page}"]); });`,
  },
]);

const startHono: Start = async (setting, rest, removed) => {
  const app = new Hono();
  await run([setting, removed, rest].join("\n"), { app, cors: honoCors });
  app.put("/api", (context) => context.json({}));
  const server = await new Promise<ServerType>((resolve) => {
    const listening = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(listening));
  });
  return {
    port: portOf(server.address()),
    stop: () =>
      new Promise((resolve) => {
        if ("closeAllConnections" in server) server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

const honoByHand = `async (context, next) => {
  context.header("Access-Control-Allow-Origin", "${page}");
  context.header("Access-Control-Allow-Methods", "PUT");
  context.header("Access-Control-Allow-Headers", "x-client");
  await next();
}`;

testFixes("hono", startHono, [
  { name: "no CORS at all", fails: "allow_origin_missing", broken: "" },
  { name: "no CORS for cookies", fails: "allow_origin_missing", broken: "", credentials: true },
  {
    name: "another origin",
    fails: "allow_origin_missing",
    broken: 'app.use(cors({ origin: "https://app.example" }));',
  },
  {
    name: "not the method",
    fails: "method_not_allowed",
    broken: `app.use(cors({ ${origin}, allowMethods: ["GET"] }));`,
  },
  {
    name: "not the header",
    fails: "header_not_allowed",
    broken: `app.use(cors({ ${origin}, allowHeaders: ["x-other"] }));`,
  },
  {
    name: "* with credentials",
    fails: "wildcard_origin_with_credentials",
    broken: "app.use(cors());",
    credentials: true,
  },
  {
    name: "credentials are not allowed",
    fails: "credentials_not_allowed",
    broken: `app.use(cors({ ${origin} }));`,
    credentials: true,
  },
  {
    name: "a login answers the preflight",
    fails: "preflight_status",
    broken: `app.use(${honoByHand});`,
    rest: 'app.use(async (context, next) => context.req.header("x-client") ? await next() : context.body(null, 401));',
  },
  {
    name: "the preflight is redirected",
    fails: "preflight_redirect",
    broken: "",
    rest: 'app.all("/old", (context) => context.redirect("/api", 307));',
    path: "/old",
  },
  {
    name: "errors lack the header",
    fails: "allow_origin_missing",
    broken: `app.options("/fails", ${honoByHand}, (context) => context.body(null, 204));`,
    rest: 'app.put("/fails", () => { throw new Error("the API fails"); }); app.onError((error, context) => context.text("failed", 500));',
    path: "/fails",
    reads: 500,
  },
  {
    // Hono joins them.
    name: "the header comes twice",
    fails: "allow_origin_list",
    broken: `app.use(cors({ ${origin} }));`,
    removed: `app.use(async (context, next) => { await next(); context.header("Access-Control-Allow-Origin", "${page}", { append: true }); });`,
  },
]);

test.each<[id: FrameworkId, packages: readonly string[]]>([
  ["expressCors", ["express", "cors"]],
  ["fastifyCors", ["fastify", "@fastify/cors"]],
  ["hono", ["hono"]],
  ["nestjs", ["@nestjs/core"]],
])("%s names the installed versions of %j", async (id, packages) => {
  for (const name of packages) {
    const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
    expect(frameworks[id].tried?.split(/[ ,]+/)).toContain(version);
  }
});
