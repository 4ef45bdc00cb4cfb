import { NotFoundError, TwirpError, TwirpErrorCode } from "twirp-ts";
import { describe, expect, test } from "vitest";
import { errorResponse, explainPipelineError, explainThrown, MSG_LENGTH_MAX } from "../../packages/twirp/src/errors.ts";

function bodyOf(error: TwirpError): unknown {
  const { body } = errorResponse(error);
  expect(body).not.toMatch(/\p{Surrogate}/u);
  return JSON.parse(body);
}

describe("the body of an error", () => {
  test("has code and msg, and meta only when there is some", () => {
    const error = new TwirpError(TwirpErrorCode.NotFound, "gone <b>");
    expect(errorResponse(error)).toMatchObject({ status: 404 });
    expect(bodyOf(error)).toEqual({ code: "not_found", msg: "gone <b>" });
    expect(bodyOf(error.withMeta("id", "7"))).toEqual({ code: "not_found", msg: "gone <b>", meta: { id: "7" } });
  });

  test("is internal for a code that Twirp does not have", () => {
    const error = TwirpError.fromObject({ code: "dataloss", msg: "m" });
    expect(errorResponse(error).status).toBe(500);
    expect(bodyOf(error)).toEqual({ code: "internal", msg: "invalid error type dataloss" });
  });

  test("keeps meta keys that are names of Object's own members", () => {
    const error = new TwirpError(TwirpErrorCode.Internal, "m").withMeta("constructor", "x");
    Object.defineProperty(error.meta, "__proto__", { value: "y", enumerable: true });
    expect(errorResponse(error).body).toContain('"meta":{"constructor":"x","__proto__":"y"}');
  });

  test("is valid Unicode whatever the message is", () => {
    const error = new TwirpError(TwirpErrorCode.Internal, "\ud800 and \udc00").withMeta("\ud800", "😀\ud83d");
    expect(bodyOf(error)).toEqual({ code: "internal", msg: "\ufffd and \ufffd", meta: { "\ufffd": "😀\ufffd" } });
  });

  test("cuts a message at a million", () => {
    const error = new TwirpError(TwirpErrorCode.Internal, "x".repeat(MSG_LENGTH_MAX + 5));
    expect(bodyOf(error)).toEqual({ code: "internal", msg: "x".repeat(1_000_000) });
  });
});

describe("an error of a method", () => {
  const notFound = new NotFoundError("gone");

  test("a Twirp error stays itself and is not logged", () => {
    expect(explainThrown(notFound, "r1")).toEqual({ error: notFound });
  });

  test.each([
    ["by the standard property", new Error("outer", { cause: new Error("middle", { cause: notFound }) })],
    ["by twirp-ts's method", Object.assign(new Error("outer"), { cause: () => notFound })],
  ])("a Twirp error in the chain of causes is that error, linked %s", (_how, thrown) => {
    expect(explainThrown(thrown, "r1").error).toBe(notFound);
  });

  test("a Twirp error of another copy of twirp-ts is one too", () => {
    const foreign = Object.assign(new Error("gone"), { code: "not_found", msg: "gone", meta: {} });
    expect(explainThrown(foreign, "r1").error).toBe(foreign);
  });

  test("an error with a code that is not Twirp's stays hidden", () => {
    const thrown = Object.assign(new Error("duplicate key 4711"), { code: "23505" });
    const { error, unforeseen } = explainThrown(thrown, "r1");
    expect(error).toMatchObject({ code: "internal", msg: "internal error", meta: { request_id: "r1" } });
    expect(unforeseen).toBe(thrown);
  });

  test("a circle of causes ends", () => {
    const thrown = new Error("a");
    thrown.cause = new Error("b", { cause: thrown });
    expect(explainThrown(thrown, "r1").error.msg).toBe("internal error");
  });

  test.each([["secret"], [undefined], [null], [42], [{ msg: "x" }]])("%j is a panic", (thrown) => {
    const { error } = explainThrown(thrown, "r1");
    expect(error).toMatchObject({ code: "internal", msg: "Internal service panic", meta: {} });
  });
});

test.each([
  [400, "malformed"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [413, "malformed"],
  [415, "bad_route"],
  [429, "resource_exhausted"],
  [503, "unavailable"],
])("an error of a Fastify plugin with status %d is %s", (statusCode, code) => {
  const thrown = Object.assign(new Error("slow down"), { statusCode });
  expect(explainPipelineError(thrown, "r1").error).toMatchObject({ code, msg: "slow down" });
  // A method may fail with an error of another server's, whose status says nothing about this one.
  expect(explainThrown(thrown, "r1").error).toMatchObject({ code: "internal", msg: "internal error" });
});

test.each([[500], [418], [undefined]])("an error of a Fastify plugin with status %s stays hidden", (statusCode) => {
  const { error } = explainPipelineError(Object.assign(new Error("secret"), { statusCode }), "r1");
  expect(error).toMatchObject({ code: "internal", msg: "internal error" });
});
