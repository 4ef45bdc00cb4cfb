import { NotFoundError } from "twirp-ts";
import { describe, expect, test } from "vitest";
import { type CallContext, twirpOptions } from "../../packages/twirp/src/index.ts";
import { serve } from "./serve.ts";
import { HatService, type Hats, hatServer, hatService } from "./service.ts";

describe("the context", () => {
  test("is one object for hooks, interceptors and method", async () => {
    const seen = new Set<CallContext>();
    const see = (context: CallContext) => {
      seen.add(context);
      return {};
    };
    const server = hatServer({
      Make: (context, hat) => {
        see(context);
        return hat;
      },
    });
    const hook = (context: CallContext) => void see(context);
    server.use({ requestReceived: hook, requestRouted: hook, responsePrepared: hook, responseSent: hook });
    const { call } = await serve({
      services: [{ server, type: HatService }],
      interceptors: [
        (context, request, next) => {
          see(context);
          return next(context, request);
        },
      ],
      extendContext: see,
    });
    await call("Make");
    expect(seen.size).toBe(1);
    expect([...seen][0]).toMatchObject({
      packageName: "hats",
      serviceName: "HatService",
      methodName: "Make",
      status: 200,
    });
  });

  test("has the members of extendContext, in its type, for hooks, interceptors and method", async () => {
    interface Wearer extends CallContext {
      readonly wearer: string;
    }
    const seen: string[] = [];
    const server = hatServer<Wearer>({
      Make: (context, hat) => {
        seen.push(`method ${context.wearer}`);
        return hat;
      },
    });
    const { call } = await serve(
      twirpOptions({
        services: [{ server, type: HatService }],
        extendContext: async (context) => ({ wearer: String(context.request.headers["x-wearer"]) }),
        hooks: [{ requestRouted: (context) => void seen.push(`hook ${context.wearer}`) }],
        interceptors: [
          (context, request, next) => {
            seen.push(`interceptor ${context.wearer}`);
            return next(context, request);
          },
        ],
      }),
    );
    await call("Make", {}, { "x-wearer": "alice" });
    expect(seen).toEqual(["hook alice", "interceptor alice", "method alice"]);
  });

  test("sets headers of the reply, whether it succeeds or fails", async () => {
    const { call } = await serve({
      services: [
        hatService({
          Make: (context) => {
            context.headers.set("Cache-Control", "private");
            context.headers.set("cache-control", "no-store");
            context.headers.append("X-Multi", "a");
            context.headers.append("X-Multi", "b");
            context.headers.append("Set-Cookie", "a=1");
            context.headers.append("Set-Cookie", "b=2");
            throw new NotFoundError("no hat");
          },
        }),
      ],
    });
    const { status, headers } = await call("Make");
    expect(status).toBe(404);
    expect(headers).toMatchObject({ "cache-control": "no-store", "x-multi": ["a", "b"], "set-cookie": ["a=1", "b=2"] });
  });

  test.each([
    ["Content-Type", "text/html"],
    ["content-length", "5"],
    ["Transfer-Encoding", "chunked"],
    ["bad name", "x"],
    ["x-split", "a\r\nSet-Cookie: b"],
  ])("refuses to set %s", async (name, value) => {
    const refused: unknown[] = [];
    const Make: Hats["Make"] = (context, hat) => {
      for (const write of ["set", "append"] as const) {
        try {
          context.headers[write](name, value);
        } catch (error) {
          refused.push(error);
        }
      }
      return hat;
    };
    const { call } = await serve({ services: [hatService({ Make })] });
    const { headers } = await call("Make");
    expect(refused).toEqual([expect.any(TypeError), expect.any(TypeError)]);
    expect(headers["content-type"]).toBe("application/json");
  });

  test("logs with the RPC and the request id", async () => {
    const Make: Hats["Make"] = (context, hat) => {
      context.log.error("look");
      return hat;
    };
    const { call, log } = await serve({ services: [hatService({ Make })] });
    await call("Make");
    expect(log).toEqual([expect.objectContaining({ msg: "look", rpc: "hats.HatService/Make", reqId: "req-1" })]);
  });
});
