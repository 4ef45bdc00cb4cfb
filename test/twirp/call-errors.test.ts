import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { describe, expect, test } from "vitest";
import { echo, serve } from "./serve.ts";
import { hatService } from "./service.ts";

describe("errors", () => {
  class OutOfFelt extends Error {}

  test("of the application become those of mapError", async () => {
    const { call } = await serve({
      services: [
        hatService({
          Make: () => {
            throw new OutOfFelt("no felt");
          },
        }),
      ],
      mapError: (error, context) => {
        context.headers.set("retry-after", "1");
        return error instanceof OutOfFelt ? new TwirpError(TwirpErrorCode.Unavailable, "come back later") : undefined;
      },
    });
    expect(await call("Make")).toMatchObject({
      status: 503,
      headers: { "retry-after": "1" },
      body: { code: "unavailable", msg: "come back later" },
    });
  });

  test("that are unexpected are hidden, and logged once with the request id", async () => {
    const Make = () => {
      throw new OutOfFelt("secret");
    };
    const { call, log } = await serve({ services: [hatService({ Make })], mapError: () => undefined });
    const { status, body } = await call("Make");
    expect(status).toBe(500);
    expect(body).toEqual({ code: "internal", msg: "internal error", meta: { request_id: "req-1" } });
    expect(log).toEqual([
      expect.objectContaining({
        reqId: "req-1",
        rpc: "hats.HatService/Make",
        err: expect.objectContaining({ message: "secret" }),
      }),
    ]);
  });

  test("in mapError itself hide the error too", async () => {
    const { call, log } = await serve({
      services: [
        hatService({
          Make: () => {
            throw new OutOfFelt("secret");
          },
        }),
      ],
      mapError: () => {
        throw new Error("broken map");
      },
    });
    expect((await call("Make")).body.msg).toBe("internal error");
    expect(log.map((line) => line.err?.message)).toEqual(["broken map", "secret"]);
  });

  test("of extendContext come before errors in the body", async () => {
    const { call } = await serve({
      services: [hatService(echo)],
      extendContext: () => {
        throw new TwirpError(TwirpErrorCode.Unauthenticated, "no token");
      },
    });
    expect(await call("Make", "not JSON")).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });

  test.each([
    ["onRequest", 429, "resource_exhausted"],
    ["preHandler", 429, "resource_exhausted"],
  ] as const)("of another plugin's %s hook are in Twirp's form", async (name, status, code) => {
    const limit = async () => {
      throw Object.assign(new Error("slow down"), { statusCode: 429 });
    };
    const { call } = await serve({ services: [hatService(echo)] }, (app) => {
      if (name === "onRequest") app.addHook("onRequest", limit);
      else app.addHook("preHandler", limit);
    });
    expect(await call("Make")).toMatchObject({ status, body: { code, msg: "slow down" } });
  });
});
