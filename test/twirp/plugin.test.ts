import Fastify from "fastify";
import { TwirpServer } from "twirp-ts";
import { describe, expect, test } from "vitest";
import { type CallContext, type TwirpOptions, twirp, twirpFrameworkErrors } from "../../packages/twirp/src/index.ts";
import { echo, serve } from "./serve.ts";
import { type Hat, HatService, type Hats, HatType, hatServer, hatService } from "./service.ts";

describe("a call", () => {
  test("answers JSON with JSON and protobuf with protobuf", async () => {
    const { app, call } = await serve({ services: [hatService(echo)] });
    expect(await call("Make", { size: 7 })).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json" },
      body: { size: "7", name: "", tags: [] },
    });
    const binary = await app.inject({
      method: "POST",
      url: "/twirp/hats.HatService/Make",
      headers: { "content-type": "application/protobuf" },
      payload: Buffer.from("08071203626f62", "hex"),
    });
    expect(binary.headers["content-type"]).toBe("application/protobuf");
    expect(binary.rawPayload.toString("hex")).toBe("08071203626f62");
  });

  test("in another type is refused as in Go, with a header that names the accepted types", async () => {
    const { app } = await serve({ services: [hatService(echo)] });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const reply = await app.inject({ method: "POST", url: "/twirp/hats.HatService/Make", headers, payload: "{}" });
    expect(reply.json()).toMatchObject({ code: "bad_route" });
    expect(reply.headers["accept-post"]).toBe("application/json, application/protobuf");
  });

  test("takes an object literal as well as a message", async () => {
    const { app, call } = await serve({
      services: [hatService({ Make: () => ({ size: 1n, name: "cap", tags: [] }) })],
    });
    expect((await call("Make")).body).toEqual({ size: "1", name: "cap", tags: [] });
    const headers = { "content-type": "application/protobuf" };
    const binary = await app.inject({ method: "POST", url: "/twirp/hats.HatService/Make", headers });
    expect(HatType.fromBinary(binary.rawPayload)).toEqual({ size: 1n, name: "cap", tags: [] });
  });

  test("reaches a method with an underscore by both of its names", async () => {
    const { call } = await serve({
      services: [hatService({ Try_on: (context) => ({ size: 1n, name: context.methodName, tags: [] }) })],
    });
    expect((await call("Try_on")).body.name).toBe("Try_on");
    expect((await call("TryOn")).body.name).toBe("Try_on");
  });

  test("keeps `this` in the method", async () => {
    class Factory {
      readonly #name = "own";
      Make() {
        return { size: 0n, name: this.#name, tags: [] };
      }
    }
    const { call } = await serve({ services: [hatService(new Factory())] });
    expect((await call("Make")).body.name).toBe("own");
  });

  test("reaches a service without a twirp-ts server, as protobuf-ts's generic interface has it", async () => {
    const implementation = {
      prefix: "a ",
      make(hat: Hat, context: CallContext) {
        return { ...hat, name: this.prefix + context.methodName };
      },
    };
    const { call } = await serve({ services: [{ implementation, type: HatService }] });
    expect((await call("Make", { size: 1 })).body).toEqual({ size: "1", name: "a Make", tags: [] });
    expect((await call("TryOn")).body).toMatchObject({
      code: "unimplemented",
      msg: "method tryOn of hats.HatService is not implemented",
    });
  });

  test.each<[what: string, hats: Hats, status: number, msg: RegExp]>([
    ["no such method", {}, 501, /^method Make of hats.HatService is not implemented$/],
    ["undefined", { Make: () => undefined }, 500, /nil response while calling Make/],
    ["null", { Make: () => null }, 500, /nil response while calling Make/],
    ["a string", { Make: () => "hat" }, 500, /^internal error$/],
    ["a message of another shape", { Make: () => ({ colour: "red" }) }, 500, /^internal error$/],
  ])("that answers %s is an error", async (_what, hats, status, msg) => {
    const { call } = await serve({ services: [hatService(hats)] });
    const { status: actual, body } = await call("Make");
    expect(actual).toBe(status);
    expect(body.msg).toMatch(msg);
  });

  test("says what is wrong with a body that cannot be decoded", async () => {
    const { call } = await serve({ services: [hatService(echo)] });
    expect(await call("Make", '{"size":"many"}')).toMatchObject({
      status: 400,
      body: {
        code: "malformed",
        msg: "the json request could not be decoded",
        meta: { detail: "size: expected a 64-bit integer at offset 14" },
      },
    });
  });

  test("writes JSON as the mount asks", async () => {
    const { call } = await serve({ services: [hatService(echo)], json: { emitDefaults: false } });
    expect((await call("Make", { name: "cap" })).body).toEqual({ name: "cap" });
  });
});

describe("beside the application", () => {
  test("its own routes, parsers and errors stay as they are", async () => {
    const { app } = await serve({ services: [hatService(echo)] }, (instance) => {
      instance.get("/healthz", async () => ({ ok: true }));
      instance.post("/plain", async (request) => ({ got: request.body }));
      instance.get("/broken", async () => {
        throw new Error("own error");
      });
    });
    expect((await app.inject({ method: "GET", url: "/healthz" })).json()).toEqual({ ok: true });
    expect((await app.inject({ method: "POST", url: "/plain", payload: { a: 1 } })).json()).toEqual({ got: { a: 1 } });
    expect((await app.inject({ method: "GET", url: "/broken" })).json()).toMatchObject({ message: "own error" });
  });

  test.each([
    ["GET", "/twirp/hats.HatService/Make"],
    ["POST", "/elsewhere"],
    ["POST", "/%zz"],
    ["DELETE", "/"],
  ] as const)("%s %s is a bad route", async (method, url) => {
    const { app } = await serve({ services: [hatService(echo)] });
    const response = await app.inject({ method, url });
    expect(response.statusCode).toBe(404);
    expect(response.headers["content-type"]).toBe("application/json");
    expect(response.json()).toMatchObject({ code: "bad_route", meta: { twirp_invalid_route: `${method} ${url}` } });
  });

  test("paths stay exact, whatever the application allows its own", async () => {
    const app = Fastify({
      routerOptions: {
        caseSensitive: false,
        ignoreTrailingSlash: true,
        ignoreDuplicateSlashes: true,
      },
    });
    await app.register(twirp, { services: [hatService(echo)] });
    const post = async (url: string) => {
      const headers = { "content-type": "application/json" };
      return (await app.inject({ method: "POST", url, headers, payload: "{}" })).statusCode;
    };
    expect(await post("/twirp/hats.HatService/Make")).toBe(200);
    for (const path of ["make", "Make/", "/Make", "MAKE"]) {
      expect(await post(`/twirp/hats.HatService/${path}`)).toBe(404);
    }
  });

  test("two mounts share a server when each keeps to its prefix", async () => {
    const { app } = await serve({ services: [hatService(echo)], prefix: "/v1", unmatched: "prefix" }, (instance) => {
      instance.setNotFoundHandler(async (_request, reply) => reply.code(404).send("nothing here"));
    });
    await app.register(twirp, { services: [hatService(echo)], prefix: "/v2", unmatched: "prefix" });
    const post = (url: string) =>
      app.inject({ method: "POST", url, payload: "{}", headers: { "content-type": "application/json" } });
    expect((await post("/v1/hats.HatService/Make")).statusCode).toBe(200);
    expect((await post("/v2/hats.HatService/Make")).statusCode).toBe(200);
    expect((await post("/v2/hats.HatService/Nope")).json()).toMatchObject({ code: "bad_route" });
    expect((await post("/elsewhere")).body).toBe("nothing here");
  });

  test("headers of frameworkErrors' own reach the reply to a broken URL", async () => {
    const frameworkErrors = twirpFrameworkErrors({
      decorate: (_request, reply) => void reply.header("vary", "Origin"),
    });
    const app = Fastify({ frameworkErrors });
    const response = await app.inject({ method: "POST", url: "/%zz" });
    expect(response.headers["vary"]).toBe("Origin");
    expect(response.json()).toMatchObject({ code: "bad_route", msg: 'no handler for path "/%zz"' });
  });
});

describe("registration fails for", () => {
  const type = HatService;
  const server = hatServer(echo);

  test.each<[what: string, options: TwirpOptions, message: RegExp]>([
    ["no services", { services: [] }, /services is empty/],
    [
      "a prefix that ends with a slash",
      { services: [hatService(echo)], prefix: "/twirp/" },
      /prefix must be empty or start/,
    ],
    ["a prefix without its slash", { services: [hatService(echo)], prefix: "twirp" }, /prefix must be empty or start/],
    [
      "a body limit of nothing",
      { services: [hatService(echo)], bodyLimit: 0 },
      /bodyLimit must be a whole number from 1/,
    ],
    ["one service twice", { services: [hatService(echo), hatService(echo)] }, /hats.HatService is mounted twice/],
    [
      "something that is no twirp-ts server",
      { services: [{ server: { packageName: "hats", serviceName: "HatService", methodList: [] }, type }] },
      /not one that twirp-ts 2.5 generates/,
    ],
    [
      "a server and a type of different names",
      { services: [{ server, type: { ...type, typeName: "hats.Other" } }] },
      /server is hats.HatService but type is hats.Other/,
    ],
    [
      "a server and a type of different methods",
      { services: [{ server, type: { ...type, methods: type.methods.slice(1) } }] },
      /methods of hats.HatService differ: server has Make,Try_on, type has Try_on/,
    ],
  ])("%s", async (_what, options, message) => {
    const app = Fastify();
    await expect(async () => app.register(twirp, options)).rejects.toThrow(message);
  });
});

test("a twirp-ts server still has the members that the adapter relies on", () => {
  const server = hatServer(echo);
  expect(server).toBeInstanceOf(TwirpServer);
  expect(Object.keys(server)).toEqual(expect.arrayContaining(["service", "hooks", "interceptors"]));
});
