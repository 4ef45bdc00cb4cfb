import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from "fastify";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CorsConfig, CorsOptions, Policy, RefusalEvent } from "../../packages/cors/src/index.ts";
import { applyCorsHeaders, compile, cors, decide } from "../../packages/cors/src/index.ts";
import { type RawReply, type RawRequest, sendRaw } from "./raw-request.ts";

const origin = "https://app.example.com";
const evil = "https://evil.example";

const running: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

function compiled(config: Partial<CorsConfig> = {}): Policy {
  const compilation = compile({
    allowedOrigins: [origin],
    allowedMethods: ["POST"],
    allowedHeaders: ["authorization", "content-type"],
    exposedHeaders: ["x-request-id"],
    maxAge: 600,
    ...config,
  });
  if (!compilation.ok) throw new Error("a configuration of this test is wrong");
  return compilation.policy;
}

interface Running {
  readonly app: FastifyInstance;
  readonly send: (request: Partial<RawRequest>) => Promise<RawReply>;
}

/** An app with the plugin and what `prepare` adds, on an ephemeral port. */
async function start(
  prepare: (app: FastifyInstance) => void,
  options: CorsOptions = { policy: compiled() },
  server: FastifyServerOptions = {},
): Promise<Running> {
  const app = Fastify({ forceCloseConnections: true, ...server });
  running.push(app);
  await app.register(cors, options);
  prepare(app);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { app, send: (request) => sendRaw(port, { method: "POST", path: "/call", headers: {}, ...request }) };
}

const preflight: Partial<RawRequest> = {
  method: "OPTIONS",
  headers: {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
  },
};

/** The reply's CORS headers and Vary, a doubled line joined with |. */
function corsHeaders(reply: RawReply): Record<string, string> {
  const named = [...reply.headers].filter(([name]) => name === "vary" || name.startsWith("access-control-"));
  return Object.fromEntries(named.map(([name, lines]) => [name, lines.join(" | ")]));
}

const allowedActual = {
  vary: "Origin",
  "access-control-allow-origin": origin,
  "access-control-expose-headers": "x-request-id",
};

describe("every reply that a page may read has the headers", () => {
  const prepare = (app: FastifyInstance): void => {
    app.addHook("onRequest", async (request, reply) => {
      if (request.url === "/secret") return reply.code(401).send({ code: "unauthenticated" });
    });
    app.post("/call", async () => ({}));
    app.post("/secret", async () => ({}));
    app.post("/crash", async () => {
      throw new Error("unforeseen");
    });
    app.post("/limited", async (_request, reply) => reply.code(429).header("retry-after", "1").send({}));
  };
  const policy = compiled();
  const server: FastifyServerOptions = {
    bodyLimit: 100,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      if (!applyCorsHeaders(policy, request, reply)) reply.code(400).send({ message: error.message });
    },
  };
  const json = { Origin: origin, "Content-Type": "application/json" };
  const cases: [status: number, what: string, request: Partial<RawRequest>][] = [
    [200, "a call", { headers: json, body: "{}" }],
    [401, "a hook after CORS", { path: "/secret", headers: json, body: "{}" }],
    [404, "no route", { path: "/nowhere", headers: json, body: "{}" }],
    [404, "no route for the method", { method: "GET", headers: json }],
    [404, "an OPTIONS that is no preflight", { method: "OPTIONS", headers: { Origin: origin } }],
    [400, "malformed JSON", { headers: json, body: "{" }],
    [413, "a long body", { headers: json, body: JSON.stringify("x".repeat(200)) }],
    [415, "a media type", { headers: { Origin: origin, "Content-Type": "text/odd" }, body: "x" }],
    [429, "a limit", { path: "/limited", headers: json, body: "{}" }],
    [500, "an exception", { path: "/crash", headers: json, body: "{}" }],
    [400, "a malformed URL", { path: "/%zz", headers: json, body: "{}" }],
  ];

  test.each(cases)("%i for %s", async (status, _what, request) => {
    const { send } = await start(prepare, { policy }, server);
    const reply = await send(request);
    expect(reply.status).toBe(status);
    expect(corsHeaders(reply)).toEqual(allowedActual);
  });

  test.each(cases)("%i for %s, from a stranger: Vary alone", async (status, _what, request) => {
    const { send } = await start(prepare, { policy }, server);
    const reply = await send({ ...request, headers: { ...request.headers, Origin: evil } });
    expect(reply.status).toBe(status);
    expect(corsHeaders(reply)).toEqual({ vary: "Origin" });
  });

  test("a preflight of a malformed URL is answered, so that the page can read the error of the call", async () => {
    const { send } = await start(prepare, { policy }, server);
    const reply = await send({ ...preflight, path: "/%zz" });
    expect(reply.status).toBe(204);
    expect(corsHeaders(reply)["access-control-allow-methods"]).toBe("POST");
  });
});

describe("the reply has exactly the headers that decide returns", () => {
  const policies: [string, Partial<CorsConfig>][] = [
    ["one origin", {}],
    ["empty lists", { allowedMethods: [], allowedHeaders: [], exposedHeaders: [], maxAge: null }],
    ["*", { allowedOrigins: "*", allowedMethods: ["*"], allowedHeaders: ["*"], exposedHeaders: ["*"] }],
    ["credentials", { credentials: true, preflightStatus: 200, maxAge: "disable" }],
    ["credentials and any header", { credentials: true, allowedMethods: ["*"], allowedHeaders: ["*", "x-named"] }],
    ["private network", { privateNetwork: true }],
    ["none", { allowedOrigins: "none" }],
  ];
  const headers: Record<string, string>[] = [
    {},
    { Origin: origin },
    { Origin: evil },
    { Origin: "" },
    { "Access-Control-Request-Method": "POST" },
  ];
  for (const method of ["POST", "PUT", "", "A B"]) {
    for (const names of [undefined, "", "authorization,content-type", "x-a, X-B", "x-a;evil"]) {
      headers.push({
        Origin: origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Private-Network": "true",
        ...(names !== undefined && { "Access-Control-Request-Headers": names }),
      });
    }
  }
  headers.push({ Origin: evil, "Access-Control-Request-Method": "POST" });

  const rows = policies.flatMap(([name, config]) => [false, true].map((early) => [name, early, config] as const));
  test.each(rows)("%s, early: %s", async (_name, early, config) => {
    const policy = compiled(config);
    const { send } = await start((app) => app.options("/call", async () => ({})), { policy, early });
    for (const sent of headers) {
      const decision = decide(policy, {
        method: "OPTIONS",
        origin: sent["Origin"],
        requestMethod: sent["Access-Control-Request-Method"],
        requestHeaders: sent["Access-Control-Request-Headers"],
        requestPrivateNetwork: sent["Access-Control-Request-Private-Network"],
      });
      const reply = await send({ method: "OPTIONS", headers: sent });
      expect({ sent, headers: corsHeaders(reply) }).toEqual({ sent, headers: decision.headers });
      expect(reply.status).toBe(decision.preflight ? decision.status : 200);
    }
  });
});

describe("preflights", () => {
  test("are answered before any later hook and never reach a route", async () => {
    const reached: string[] = [];
    const { send } = await start((app) => {
      app.addHook("onRequest", async () => void reached.push("hook"));
      app.options("/call", async () => reached.push("route"));
    });
    const reply = await send(preflight);
    expect(reply).toMatchObject({ status: 204, body: "" });
    expect(reached).toEqual([]);
  });

  test("have no content-length with 204, and content-length 0 with 200", async () => {
    const { send } = await start(() => undefined);
    expect((await send(preflight)).headers.has("content-length")).toBe(false);
    const other = await start(() => undefined, { policy: compiled({ preflightStatus: 200 }) });
    expect((await other.send(preflight)).headers.get("content-length")).toEqual(["0"]);
  });

  test("of strangers are answered 403 with a readable reason and no CORS header", async () => {
    const { send } = await start(() => undefined);
    const reply = await send({ ...preflight, headers: { ...preflight.headers, Origin: evil } });
    expect(reply.status).toBe(403);
    expect(reply.body).toMatch(/^origin_not_allowed: /);
    expect(reply.body).not.toContain(origin);
    expect(Object.keys(corsHeaders(reply))).toEqual(["vary"]);
  });

  test("leave the app free to serve OPTIONS itself, even on *", async () => {
    const { send } = await start((app) => app.options("*", async () => ({ own: true })));
    const reply = await send({ method: "OPTIONS", headers: { Origin: origin } });
    expect(reply).toMatchObject({ status: 200, body: '{"own":true}' });
    expect(corsHeaders(reply)).toEqual(allowedActual);
  });
});

describe("preflights that are answered early", () => {
  test("reach no hook, not even one that was added before; refused and injected ones do", async () => {
    const app = Fastify({ forceCloseConnections: true });
    running.push(app);
    const reached: string[] = [];
    app.addHook("onRequest", async (request) => void reached.push(request.id));
    await app.register(cors, { policy: compiled(), early: true });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const address = app.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const headers = { Origin: origin, "Access-Control-Request-Method": "POST" };
    const request = { method: "OPTIONS", path: "/", headers };
    expect((await sendRaw(port, request)).status).toBe(204);
    expect(reached).toHaveLength(0);
    expect((await sendRaw(port, { ...request, headers: { ...headers, Origin: evil } })).status).toBe(403);
    expect(reached).toHaveLength(1);
    expect((await app.inject({ method: "OPTIONS", url: "/", headers })).statusCode).toBe(204);
    expect(reached).toHaveLength(2);
  });

  test("can be left to the hooks, or answered with further headers", async () => {
    const { send } = await start(() => undefined, {
      policy: compiled(),
      early: (request, response, { status, headers }) => {
        if (request.url !== "/call") return false;
        response.writeHead(status, ["x-early", "yes", ...headers]).end();
        return true;
      },
    });
    const [early, hooked] = [await send(preflight), await send({ ...preflight, path: "/other" })];
    expect([early, hooked].map(({ headers }) => headers.get("x-early"))).toEqual([["yes"], undefined]);
    expect(corsHeaders(early)).toEqual(corsHeaders(hooked));
  });

  test("leave a listener for one request of the server such", async () => {
    const heard = vi.fn();
    const { send } = await start((app) => app.server.once("request", heard), { policy: compiled(), early: true });
    for (let count = 0; count < 3; count += 1) await send({});
    expect(heard).toHaveBeenCalledTimes(1);
  });

  test("are answered alike after more different ones than are remembered", async () => {
    const { send } = await start(() => undefined, { policy: compiled(), early: true });
    const first = corsHeaders(await send(preflight));
    for (let index = 0; index < 300; index += 1) {
      const names = `content-type,${" ".repeat(index)}authorization`;
      await send({ ...preflight, headers: { ...preflight.headers, "Access-Control-Request-Headers": names } });
    }
    expect(corsHeaders(await send(preflight))).toEqual(first);
  });

  test("pass the hooks while the server closes, so that Fastify asks the client to close its connection", async () => {
    const early = vi.fn(() => true);
    let reply: Promise<RawReply> | undefined;
    const { app, send } = await start(
      (prepared) => {
        prepared.addHook("preClose", async () => {
          reply = send(preflight);
          await reply;
        });
      },
      { policy: compiled(), early },
    );
    await app.close();
    expect((await reply)?.headers.get("connection")).toEqual(["close"]);
    expect(early).not.toHaveBeenCalled();
  });
});

describe("routes that set the headers", () => {
  const cases: [what: string, set: string | string[], vary: string][] = [
    ["another name", "Accept-Encoding", "Accept-Encoding, Origin"],
    ["the same name in another case", "origin, Accept", "origin, Accept"],
    ["several lines", ["Accept", "Accept-Encoding"], "Accept, Accept-Encoding, Origin"],
    ["*", "*", "*"],
    ["nothing", "", "Origin"],
  ];
  test.each(cases)("a Vary with %s is merged", async (_what, set, vary) => {
    const { send } = await start((app) =>
      app.post("/call", async (_request, reply) => {
        reply.header("vary", set);
        return {};
      }),
    );
    expect(corsHeaders(await send({ headers: { Origin: origin } }))["vary"]).toBe(vary);
  });

  test("a route cannot allow an origin or credentials, and the log says so once", async () => {
    const lines: string[] = [];
    const { send } = await start(
      (app) => {
        app.post("/call", async (_request, reply) => {
          reply.header("Access-Control-Allow-Origin", "*").header("Access-Control-Allow-Credentials", "true");
          return {};
        });
      },
      { policy: compiled() },
      { logger: { level: "warn", stream: { write: (line: string) => lines.push(line) } } },
    );
    expect(corsHeaders(await send({ headers: { Origin: evil } }))).toEqual({ vary: "Origin" });
    expect(corsHeaders(await send({ headers: { Origin: origin } }))).toEqual(allowedActual);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("/call");
  });

  test("a route with config.cors, which would override the policy, is refused", async () => {
    await expect(
      start((app) => {
        app.post("/call", { config: { cors: { origin: true } } }, async () => ({}));
      }),
    ).rejects.toThrow("route /call sets config.cors");
  });
});

test("each pattern that covers strangers is a warning in the log when the server starts", async () => {
  const lines: { level: number; msg: string; cors?: unknown }[] = [];
  await start(
    () => undefined,
    { policy: compiled({ allowedOrigins: [origin, "https://app-*-team.vercel.app", "moz-extension://*"] }) },
    { logger: { level: "warn", stream: { write: (line: string) => lines.push(JSON.parse(line)) } } },
  );
  expect(lines).toMatchObject([
    { level: 40, cors: { reason: "public_suffix", option: "allowedOrigins", value: "https://app-*-team.vercel.app" } },
    { level: 40, cors: { reason: "any_extension", option: "allowedOrigins", value: "moz-extension://*" } },
  ]);
  expect(lines[0]?.msg).toContain("anyone can register app-x-team.vercel.app");
});

describe("refusals", () => {
  test("call onRefusal; allowed requests do not", async () => {
    const refusals: RefusalEvent[] = [];
    const { send } = await start((app) => app.post("/call", async () => ({})), {
      policy: compiled(),
      onRefusal: (refusal) => refusals.push(refusal),
    });
    await send({ headers: {} });
    await send({ headers: { Origin: origin } });
    await send(preflight);
    expect(refusals).toEqual([]);
    await send({ ...preflight, headers: { ...preflight.headers, Origin: `${origin}:8443` } });
    await send({ headers: { Origin: evil } });
    expect(refusals).toMatchObject([
      {
        reason: "origin_not_allowed",
        preflight: true,
        origin: `${origin}:8443`,
        method: "POST",
        headers: ["authorization", "content-type"],
        nearest: { origin, difference: "differs by port" },
      },
      { reason: "origin_not_allowed", preflight: false, origin: evil },
    ]);
  });

  test("write one line each at info, with the request's id", async () => {
    const lines: { reqId?: string; cors?: RefusalEvent }[] = [];
    const { send } = await start(
      () => undefined,
      { policy: compiled() },
      { logger: { level: "info", stream: { write: (line: string) => lines.push(JSON.parse(line)) } } },
    );
    await send({ ...preflight, headers: { ...preflight.headers, "Access-Control-Request-Headers": "x-trace" } });
    const about = lines.filter((line) => line.cors !== undefined);
    expect(about).toHaveLength(1);
    expect(about[0]).toMatchObject({ cors: { reason: "header_not_allowed", refusedHeaders: ["x-trace"] } });
    expect(about[0]?.reqId).toBeDefined();
  });
});
