import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { readConnectionUrl } from "../../src/database/index.ts";

const PEM = "-----BEGIN CERTIFICATE-----";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(inject("scratch"), "certificates-"));
  for (const name of ["ca.pem", "own.pem", "own.key"]) await writeFile(join(folder, name), PEM);
  await writeFile(join(folder, "notes"), "hello");
});

/** Reads a URL in which /FILE means a file in the folder of this test. */
function readAny(url: string, environment: Record<string, string> = {}) {
  return readConnectionUrl(url.replace(/(?<=(?:cert|key)=)\//g, `${folder}/`), environment);
}

function read(url: string, environment: Record<string, string> = {}) {
  const result = readAny(url, environment);
  if (!result.ok) throw new Error(result.mistakes.join("\n"));
  return result.target;
}

describe("reads", () => {
  test.each<[url: string, target: object]>([
    ["postgres://", { hosts: [{ host: "localhost", port: 5432 }], user: undefined, database: undefined }],
    ["postgresql://db/finance", { hosts: [{ host: "db", port: 5432 }], database: "finance" }],
    ["postgres://ann@db:6000/books", { hosts: [{ host: "db", port: 6000 }], user: "ann", password: undefined }],
    ["postgres://ann:a%20b%2f@db/books", { user: "ann", password: "a b/", database: "books" }],
    ["postgres://ann:p@ss@db/books", { user: "ann", password: "p@ss", hosts: [{ host: "db", port: 5432 }] }],
    ["postgres://ann:a#b?c d@db/books?pgbouncer=true", { password: "a#b?c d", pgbouncer: true }],
    ["postgres://a%40n:%c3%a4%25+@db/b%2fc%40d", { user: "a@n", password: "ä%+", database: "b/c@d" }],
    ["postgres://db?password=a+b%20c&sslmode=", { password: "a+b c", tlsMode: "prefer" }],
    ["postgres://[::1]:6000/books", { hosts: [{ host: "::1", port: 6000 }] }],
    ["postgres://%2Frun%2Fpg/books", { hosts: [{ host: "/run/pg", port: 5432 }] }],
    ["postgres://ann@127.0.0.1:6000/b?host=/run/pg", { hosts: [{ host: "/run/pg", port: 6000 }] }],
    [
      "postgres://a:1,b:2,c/books?target_session_attrs=read-write",
      {
        hosts: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 5432 },
        ],
        mustWrite: true,
      },
    ],
    [
      "postgres:///books?host=a,b&port=7&user=ann&password=x&dbname=other",
      {
        hosts: [
          { host: "a", port: 7 },
          { host: "b", port: 7 },
        ],
        user: "ann",
        password: "x",
        database: "other",
      },
    ],
    ["postgres://db?target_session_attrs=primary", { mustWrite: true }],
    ["postgres://db?target_session_attrs=any", { mustWrite: false }],
    ["postgres://db?options=-c+a%3Db%20c&application_name=x", { options: "-c a=b c", applicationName: "x" }],
    ["postgres://db?connect_timeout=3&keepalives=1", { connectTimeoutMs: 3000 }],
    ["postgres://db?channel_binding=require&gssencmode=disable", { channelBinding: true }],
    ["postgres://db?channel_binding=disable", { channelBinding: false }],
  ])("%s", (url, target) => {
    expect(read(url)).toMatchObject(target);
  });
});

describe("TLS as in libpq:", () => {
  const named = { checkServerIdentity: expect.any(Function) };

  test.each<[query: string, mode: string, options: object]>([
    ["", "prefer", { rejectUnauthorized: false }],
    ["sslmode=disable", "disable", {}],
    ["sslmode=prefer", "prefer", { rejectUnauthorized: false }],
    ["sslmode=require", "require", { rejectUnauthorized: false }],
    ["ssl=true", "require", { rejectUnauthorized: false }],
    ["sslmode=require&sslrootcert=/ca.pem", "require", { ca: PEM, ...named }],
    ["sslmode=verify-ca&sslrootcert=/ca.pem", "verify-ca", { ca: PEM, ...named }],
    ["sslmode=verify-full&sslrootcert=/ca.pem", "verify-full", { ca: PEM }],
    ["sslrootcert=system", "verify-full", {}],
    [
      "sslmode=require&sslcert=/own.pem&sslkey=/own.key&sslpassword=x",
      "require",
      { cert: PEM, key: PEM, passphrase: "x", rejectUnauthorized: false },
    ],
  ])("%s", (query, mode, options) => {
    const target = read(`postgres://db?${query}`);
    expect([target.tlsMode, target.tls]).toEqual([mode, options]);
  });

  test("PGSSLMODE and PGSSLROOTCERT hold where the URL says nothing", () => {
    const environment = { PGSSLMODE: "verify-ca", PGSSLROOTCERT: join(folder, "ca.pem") };
    expect(read("postgres://db", environment)).toMatchObject({ tlsMode: "verify-ca", tls: { ca: PEM } });
    expect(read("postgres://db?sslmode=disable", environment).tlsMode).toBe("disable");
  });
});

describe("refuses", () => {
  test.each<[url: string, ...mistakes: RegExp[]]>([
    ["mysql://db/finance", /^must be a URL that starts with postgres:\/\/ or postgresql:\/\/$/],
    ["postgres://ann:hunter2/x@db/books", /^has a stray @; a password with .* %2F/],
    ["postgres://ann:p@hunter2/w:hunter2@db/books", /^has a stray @; a password with .* %2F/],
    ["postgres://ann:hunter2/hunter2?hunter2@db/books", /^has a stray @; a password with .* %3F/],
    ["postgres://ann:p@db/w?hunter2=hunter2@db/books", /^has a stray @; a password with .* %3F/],
    ["postgres://db/books?user=ann&password=p@hunter2", /^has a stray @; a password with .* %40/],
    ["postgres://ann:hunter2@db:port/books", /^the port must be a number from 1 to 65535/],
    ["postgres://ann:hunter2@db:70000/books", /^the port must be a number from 1 to 65535/],
    ["postgres://ann:hunter2%@db/books", /^has a % that starts no code; write %25 for it$/],
    ["postgres://ann:hunter2@[::1/books", /^a host is malformed; an IPv6 address goes in brackets/],
    ["postgres://a,b,c/books?port=1,2", /^there are 3 hosts and 2 ports/],
    ["postgres://db?sslmod=require", /^the parameter "sslmod" has no meaning here; there are .*sslmode/],
    ["postgres://db?sslmode=no-verify", /^sslmode: must be one of disable, .*verify-full, not "no-verify"$/],
    ["postgres://db?sslmode=allow", /^sslmode: must be one of disable, prefer, .*, not "allow"$/],
    ["postgres://db?sslmode=verify-full", /^sslmode: verify-full needs sslrootcert/],
    ["postgres://db?sslmode=verify-ca", /^sslmode: verify-ca needs sslrootcert/],
    ["postgres://db?sslmode=require&sslrootcert=system", /^sslrootcert: system needs sslmode=verify-full, not require/],
    [
      "postgres://db?sslmode=require&sslrootcert=/none",
      /^sslrootcert: \S+\/none can't be read \(there is no such file\)$/,
    ],
    ["postgres://db?sslmode=require&sslrootcert=/notes", /^sslrootcert: \S+\/notes holds no PEM$/],
    ["postgres://db?sslmode=require&sslcert=/own.pem", /^sslcert, sslkey: set both of them, or neither$/],
    ["postgres://db?channel_binding=yes", /^channel_binding: must be one of disable, prefer, require, not "yes"/],
    ["postgres://db?sslnegotiation=direct", /^sslnegotiation: direct needs sslmode=require/],
    [
      "postgres://db?target_session_attrs=standby",
      /^target_session_attrs: must be one of any, read-write, primary, not "standby"/,
    ],
    ["postgres://db?pgbouncer=yes", /^pgbouncer: must be one of true, false, not "yes"$/],
    ["postgres://db?connect_timeout=0", /^connect_timeout: must be a whole number of seconds/],
    ["postgres://db?sslmode=x&pgbouncer=y", /^sslmode: /, /^pgbouncer: /],
  ])("%s", (url, ...mistakes) => {
    const result = readAny(url);
    const found = result.ok ? [] : result.mistakes;
    expect(found).toEqual(mistakes.map((mistake) => expect.stringMatching(mistake)));
    expect(found.join()).not.toContain("hunter2");
  });
});
