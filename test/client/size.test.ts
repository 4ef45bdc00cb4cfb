/** The size of the client in a page; `npm run bench -- size` compares it with others. Needs a built package. */
import { expect, test } from "vitest";
import { bundleSize, clientOf, wholeClient } from "../../bench/bundle-size.ts";

test("a page that calls one method downloads at most 7 KiB", async () => {
  const { gzipped } = await bundleSize(clientOf("getAccount"));
  expect(gzipped).toBeLessThanOrEqual(7 * 1024);
});

test("the feed of events adds its messages and its own code, at most 1.5 KiB", async () => {
  const { gzipped } = await bundleSize(clientOf("getAccount", "events"));
  expect(gzipped).toBeLessThanOrEqual(8.5 * 1024);
});

test("each further method adds only its messages", async () => {
  const one = await bundleSize(clientOf("getAccount"));
  const two = await bundleSize(clientOf("getAccount", "listAccounts"));
  const whole = await bundleSize(wholeClient);
  expect(two.gzipped - one.gzipped).toBeLessThan(500);
  expect(whole.gzipped).toBeGreaterThan(two.gzipped + 500);
});

test("axios is included only if the client uses its own", async () => {
  const axios = `
    import { axiosTransport } from "finance-service/client";
    globalThis.transport = axiosTransport();`;
  expect((await bundleSize(axios)).gzipped).toBeGreaterThan(10_000);
  expect((await bundleSize(wholeClient)).gzipped).toBeLessThan(10_000);
});
