import { type Interceptor, NotFoundError, TwirpError, TwirpErrorCode } from "twirp-ts";
import { describe, expect, test } from "vitest";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { echo, serve } from "./serve.ts";
import { type Hat, HatService, hatServer, hatService, recordingHooks } from "./service.ts";

describe("hooks", () => {
  test.each<[what: string, method: string, headers: Record<string, string>, payload: string, events: string[]]>([
    ["a success", "Make", {}, "{}", ["received ", "routed Make", "prepared 200", "sent 200"]],
    ["an error of the method", "Try_on", {}, "{}", ["received ", "routed Try_on", "error not_found 404", "sent 404"]],
    ["an unknown method", "Nope", {}, "{}", ["received ", "error bad_route 404", "sent 404"]],
    [
      "a wrong content type",
      "Make",
      { "content-type": "text/plain" },
      "{}",
      ["received ", "error bad_route 404", "sent 404"],
    ],
    ["a bad body", "Make", {}, "bad", ["received ", "routed Make", "error malformed 400", "sent 400"]],
  ])("see %s", async (_what, method, headers, payload, events) => {
    const seen: string[] = [];
    const server = hatServer({
      ...echo,
      Try_on: () => {
        throw new NotFoundError("no hat");
      },
    });
    server.use(recordingHooks(seen));
    const { call } = await serve({ services: [{ server, type: HatService }] });
    await call(method, payload, headers);
    expect(seen).toEqual(events);
  });

  test("of the mount run before those of the service, and interceptors outside them", async () => {
    const seen: string[] = [];
    const interceptor =
      (label: string): Interceptor<CallContext, Hat, Hat> =>
      async (context, hat, next) => {
        seen.push(`${label} in`);
        const made = await next(context, hat);
        seen.push(`${label} out`);
        return made;
      };
    const server = hatServer(echo);
    server.use(recordingHooks(seen, "service "), interceptor("service"));
    const { call } = await serve({
      services: [{ server, type: HatService }],
      hooks: [recordingHooks(seen, "mount ")],
      interceptors: [interceptor("mount")],
    });
    await call("Make");
    expect(seen).toEqual([
      ...["mount received ", "service received ", "mount routed Make", "service routed Make"],
      ...["mount in", "service in", "service out", "mount out"],
      ...["mount prepared 200", "service prepared 200", "mount sent 200", "service sent 200"],
    ]);
  });

  test("of the mount see paths that name no service", async () => {
    const seen: string[] = [];
    const { app } = await serve({ services: [hatService(echo)], hooks: [recordingHooks(seen)] });
    await app.inject({ method: "GET", url: "/favicon.ico" });
    expect(seen).toEqual(["received ", "error bad_route 404", "sent 404"]);
  });

  test.each([
    ["requestReceived", "not JSON"],
    ["requestRouted", "not JSON"],
    ["responsePrepared", "{}"],
  ])("that throw in %s fail the call", async (event, payload) => {
    const seen: string[] = [];
    const hooks = [
      recordingHooks(seen),
      {
        [event]: () => {
          throw new TwirpError(TwirpErrorCode.Unauthenticated, "who are you");
        },
      },
    ];
    const { call } = await serve({ services: [hatService(echo)], hooks });
    expect(await call("Make", payload)).toMatchObject({
      status: 401,
      body: { code: "unauthenticated", msg: "who are you" },
    });
    expect(seen.slice(-2)).toEqual(["error unauthenticated 401", "sent 401"]);
  });

  test("that throw after the outcome is decided change nothing, and the others still run", async () => {
    const seen: string[] = [];
    const throwing = {
      error: () => {
        throw new Error("error hook");
      },
      responseSent: async () => {
        throw new Error("sent hook");
      },
    };
    const Make = () => {
      throw new NotFoundError("no hat");
    };
    const { call, log } = await serve({ services: [hatService({ Make })], hooks: [throwing, recordingHooks(seen)] });
    expect(await call("Make")).toMatchObject({ status: 404, body: { code: "not_found", msg: "no hat" } });
    expect(seen).toEqual(["received ", "routed Make", "error not_found 404", "sent 404"]);
    await expect.poll(() => log.map((line) => line.err?.message)).toEqual(["error hook", "sent hook"]);
  });

  test("of twirp-ts's older names run too", async () => {
    const seen: string[] = [];
    const hooks = [{ requestPrepared: () => void seen.push("prepared"), requestSent: () => void seen.push("sent") }];
    const { call } = await serve({ services: [hatService(echo)], hooks });
    await call("Make");
    expect(seen).toEqual(["prepared", "sent"]);
  });
});
