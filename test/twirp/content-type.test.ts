import { TwirpContentType } from "twirp-ts";
import { expect, test } from "vitest";
import { contentTypeOf } from "../../packages/twirp/src/reply.ts";

const { JSON: Json, Protobuf, Unknown } = TwirpContentType;

test.each([
  ["application/json", Json],
  ["application/protobuf", Protobuf],
  ["application/json; charset=utf-8", Json],
  ["application/json;charset=iso-8859-1", Json],
  ["application/json ; charset=utf-8", Json],
  ["application/json;", Json],
  ["APPLICATION/JSON", Json],
  ["application/Protobuf;messageType=x", Protobuf],
  [undefined, Unknown],
  ["", Unknown],
  [";", Unknown],
  ["text/plain", Unknown],
  ["text/plain; application/json", Unknown],
  ["application/json, text/plain", Unknown],
  ["application/jsonp", Unknown],
  ["application/x-protobuf", Unknown],
  ["application/vnd.api+json", Unknown],
  ["json", Unknown],
])("%j asks for encoding %d", (header, expected) => {
  expect(contentTypeOf(header)).toBe(expected);
});
