import { afterEach, describe, expect, test, vi } from "vitest";
import { createFinanceClient, type Transport } from "../../packages/client/src/index.ts";

afterEach(() => vi.unstubAllGlobals());

/** Options, and the URL that the client calls. */
async function urlOf(baseUrl: string): Promise<string> {
  const urls: string[] = [];
  const transport: Transport = {
    async send({ url }) {
      urls.push(url);
      return { status: 404, header: () => undefined, body: new Uint8Array() };
    },
  };
  await createFinanceClient({ baseUrl, transport })
    .getAccount({ id: 4n })
    .catch(() => undefined);
  return urls.join();
}

const PATH = "/twirp/finance.v1.FinanceService/GetAccount";

describe("a base URL", () => {
  test.each([
    ["http://localhost:9707", "http://localhost:9707"],
    ["HTTPS://api.example.com/", "https://api.example.com"],
    ["https://api.example.com:8443/v1//", "https://api.example.com:8443/v1"],
    ["http://[::1]:9707", "http://[::1]:9707"],
  ])("%s", async (baseUrl, base) => {
    expect(await urlOf(baseUrl)).toBe(base + PATH);
  });

  test.each([
    ["/", "https://page.example"],
    ["", "https://page.example"],
    ["/api", "https://page.example/api"],
    ["./api", "https://page.example/app/api"],
    ["//api.example.com", "https://api.example.com"],
    ["https://api.example.com", "https://api.example.com"],
  ])("of a page: %j", async (baseUrl, base) => {
    vi.stubGlobal("location", { href: "https://page.example/app/index.html" });
    expect(await urlOf(baseUrl)).toBe(base + PATH);
  });

  test.each([
    ["localhost:9707", "; did you mean http://localhost:9707"],
    ["localhost", "; did you mean http://localhost"],
    ["127.0.0.1:9707", "; did you mean http://127.0.0.1:9707"],
    ["finance:9707/v1", "; did you mean http://finance:9707/v1"],
    ["api.example.com", "; did you mean https://api.example.com"],
    ["api.example.com:8443/v1", "; did you mean https://api.example.com:8443/v1"],
    ["9707", ""],
    [":9707", ""],
    ["localhost:port", ""],
    [" http://localhost:9707", ""],
    ["http:localhost:9707", ""],
    ["http:/localhost:9707", ""],
    ["ftp://localhost", ""],
    ["ws://localhost:9707", ""],
    ["undefined", "; did you mean http://undefined"],
  ])("without http:// or https:// is refused, in a page and elsewhere: %j", (baseUrl, hint) => {
    for (const page of [undefined, { href: "https://page.example/app/index.html" }]) {
      vi.stubGlobal("location", page);
      const message = `baseUrl must start with http:// or https://, not "${baseUrl}"${hint}`;
      expect(() => createFinanceClient({ baseUrl })).toThrow(new TypeError(message));
    }
  });

  test.each(["http://root:secret@localhost", "https://root@localhost/", "http://:secret@localhost"])(
    "a name or password is refused instead of dropped: %s",
    (baseUrl) => {
      const message = "baseUrl must hold no password";
      expect(() => createFinanceClient({ baseUrl })).toThrow(new TypeError(message));
    },
  );

  test.each(["", "/", "./api", "https://", "http://local host"])(
    "that only a page has, or that is none: %j",
    (baseUrl) => {
      expect(() => createFinanceClient({ baseUrl })).toThrow(TypeError);
    },
  );
});
