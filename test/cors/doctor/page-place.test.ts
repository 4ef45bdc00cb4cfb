import { lookup } from "node:dns/promises";
import { expect, test, vi } from "vitest";
import { locatePage } from "../../../packages/cors/src/doctor/page-place.ts";

vi.mock("node:dns/promises", () => ({ lookup: vi.fn(() => Promise.reject(new Error("ENOTFOUND"))) }));

const timeoutMs = 20_000;

test.each([
  ["https://app.invalid", "local", { space: "local", why: "by --page-address-space" }],
  ["http://localhost:5173", undefined, { space: "loopback", why: "by its host, localhost" }],
  ["https://app.local", undefined, { space: "local", why: "by its host, app.local" }],
  ["https://[fd00::1]", undefined, { space: "local", why: "by its host, [fd00::1]" }],
  ["chrome-extension://abc", undefined, { space: "loopback", why: "pages of chrome-extension: are on this device" }],
  ["null", undefined, { space: "public", why: "which is assumed" }],
  ["https://app.invalid", undefined, { space: "public", why: "assumed, because app.invalid cannot be resolved here" }],
] as const)("a page on %s, with the option %s", async (origin, given, place) => {
  expect(await locatePage(origin, given, timeoutMs)).toEqual(place);
});

test.each([
  ["10.1.2.3", "local"],
  ["::1", "loopback"],
  ["8.8.8.8", "public"],
])("a page whose name leads to %s is %s", async (address, space) => {
  vi.mocked(lookup).mockResolvedValueOnce({ address, family: 4 });
  expect(await locatePage("https://app.test", undefined, timeoutMs)).toEqual({
    space,
    why: `app.test is ${address} here`,
  });
});

test("a name whose lookup takes too long is taken to be public", async () => {
  vi.mocked(lookup).mockReturnValueOnce(new Promise(() => {}));
  expect(await locatePage("https://app.test", undefined, 1)).toMatchObject({ space: "public" });
});
