import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, inject, test } from "vitest";
import { checkDatabase } from "../../src/database/index.ts";
import { requireVersion } from "../../src/database/server-check.ts";

const PASSWORD = "top-secret";
const line = async (url: string): Promise<string> => {
  const error = await checkDatabase(url).catch((reason: unknown) => reason);
  if (!(error instanceof Error) || error.name !== "DatabaseStartError") throw error;
  return error.message;
};

/** The run's server through TCP, changed. */
const server = (change: { pathname?: string; password?: string; search?: string }): string =>
  Object.assign(new URL(inject("postgres").adminUrl), { search: "", ...change }).href;

test("a database that answers and is new enough passes", async () => {
  await expect(checkDatabase(inject("postgres").adminUrl)).resolves.toContain("/postgres");
});

describe("a database that can't be used is told in one line without its password:", () => {
  test("nothing listens", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const port = typeof address === "object" ? address?.port : undefined;
    listener.close();
    await once(listener, "close");
    expect(await line(`postgresql://ann:${PASSWORD}@127.0.0.1:${port}/books`)).toBe(
      `can't use the database at 127.0.0.1:${port}/books: nothing listens there; start PostgreSQL on 127.0.0.1:${port}, or check DATABASE_URL, or unset it to use the embedded PostgreSQL`,
    );
  });

  test.each<[what: string, url: () => string, message: RegExp]>([
    [
      "no such host",
      () => `postgresql://ann:${PASSWORD}@no-such-host.invalid/books`,
      /at no-such-host\.invalid:5432\/books: the host name no-such-host\.invalid (is unknown|can't be looked up); check /,
    ],
    [
      "no such socket",
      () => `postgresql://ann:${PASSWORD}@localhost/books?host=/nowhere`,
      /at \/nowhere, books: there is no such socket; start PostgreSQL, or check /,
    ],
    [
      "no such database",
      () => server({ pathname: "nowhere" }),
      /\/nowhere: the database nowhere does not exist; create it, or check /,
    ],
    ["wrong password", () => server({ password: PASSWORD }), /: wrong password for user \w+; check /],
    [
      "encryption that the server does not offer",
      () => server({ search: "sslmode=require" }),
      /: The server does not support SSL connections; check /,
    ],
    ["no URL", () => `host=db password=${PASSWORD}`, /^DATABASE_URL: must be a URL that starts with postgres:/],
    ["another kind of URL", () => `mysql://ann:${PASSWORD}@db/books`, /^DATABASE_URL: must be a URL that starts/],
    ["a malformed URL", () => `postgresql://ann:${PASSWORD}@db:port/books`, /^DATABASE_URL: the port must be a number/],
  ])("%s", async (_, url, message) => {
    const text = await line(url());
    expect(text).toMatch(message);
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain("\n");
  });
});

describe("a server of version", () => {
  const target = { host: "db", port: 5432 };

  test.each(["15.0", "15.4 (Debian 15.4-1)", "16beta1", "18.4"])("%s is new enough", (version) => {
    expect(() => requireVersion(version, target)).not.toThrow();
  });

  test.each(["14.12", "9.6.24", ""])("%j is too old", (version) => {
    expect(() => requireVersion(version, target)).toThrow(
      `the server at db:5432 is PostgreSQL ${version}; upgrade it to 15 or newer, or set another DATABASE_URL`,
    );
  });
});
