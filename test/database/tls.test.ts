import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkDatabase, migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import {
  giveToServers,
  makeServerDirectory,
  type PackagedPostgres,
  POSTGRES_PROGRAMS,
  startPackagedPostgres,
} from "../setup/debian-servers.ts";

const run = promisify(execFile);

describe.skipIf(POSTGRES_PROGRAMS === undefined && !process.env["CI"])(
  "a PostgreSQL whose certificate is for localhost alone (skipped without Debian's postgresql)",
  () => {
    let directory: Awaited<ReturnType<typeof makeServerDirectory>>;
    let encrypted: PackagedPostgres;
    let plain: PackagedPostgres;

    beforeAll(async () => {
      directory = await makeServerDirectory();
      await makeAuthority("ca");
      await makeAuthority("other-ca");
      await makeServerCertificate();
      [encrypted, plain] = await Promise.all([
        startPackagedPostgres(join(directory.path, "encrypted"), {
          ssl: "on",
          ssl_cert_file: file("server.pem"),
          ssl_key_file: file("server.key"),
        }),
        startPackagedPostgres(join(directory.path, "plain")),
      ]);
    });
    afterAll(async () => {
      await Promise.all([encrypted.stop(), plain.stop()]);
      await directory.remove();
    });

    const file = (name: string) => join(directory.path, name);

    async function openssl(...args: string[]): Promise<void> {
      await run("openssl", args, { cwd: directory.path });
    }

    async function makeAuthority(name: string): Promise<void> {
      const subject = ["-subj", `/CN=${name}`, "-days", "2"];
      const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
      await openssl("req", "-x509", ...key, "-out", `${name}.pem`, ...subject);
    }

    async function makeServerCertificate(): Promise<void> {
      const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "server.key"];
      await openssl("req", ...key, "-out", "server.csr", "-subj", "/CN=localhost");
      await writeFile(file("names"), "subjectAltName = DNS:localhost\n");
      const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
      await openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", ...signed);
      await giveToServers(file("server.key"));
    }

    /** "encrypted" or "plain" for a connection that came about, else the one line that says why not. */
    async function outcomeOf(server: PackagedPostgres, host: string, query: string): Promise<string> {
      const search = query.replaceAll(/(?<==)(?:other-)?ca\.pem/g, (name) => encodeURIComponent(file(name)));
      const url = `postgres://postgres:hunter2@${host}:${server.port}/postgres?${search}`;
      try {
        await checkDatabase(url);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
      const pool = openPool({ connectionString: url });
      try {
        const { rows } = await pool.query<{ ssl: boolean }>("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
        return rows[0]?.ssl === true ? "encrypted" : "plain";
      } finally {
        await pool.end();
      }
    }

    const UNTRUSTED = /: its certificate is not trusted; set sslrootcert to the certificate of the CA that signed it$/;
    const ELSEWHERE =
      /: its certificate is for another host; use the host name in the certificate, or sslmode=verify-ca$/;

    test.each<[host: string, query: string, outcome: string | RegExp]>([
      ["127.0.0.1", "", "encrypted"],
      ["127.0.0.1", "sslmode=disable", "plain"],
      ["127.0.0.1", "sslmode=prefer", "encrypted"],
      ["127.0.0.1", "sslmode=require", "encrypted"],
      ["127.0.0.1", "sslmode=require&sslrootcert=ca.pem", "encrypted"],
      ["127.0.0.1", "sslmode=require&sslrootcert=other-ca.pem", UNTRUSTED],
      ["127.0.0.1", "sslmode=verify-ca&sslrootcert=ca.pem", "encrypted"],
      ["127.0.0.1", "sslmode=verify-ca&sslrootcert=other-ca.pem", UNTRUSTED],
      ["127.0.0.1", "sslmode=verify-full&sslrootcert=ca.pem", ELSEWHERE],
      ["localhost", "sslmode=verify-full&sslrootcert=ca.pem", "encrypted"],
      ["localhost", "sslmode=verify-full&sslrootcert=other-ca.pem", UNTRUSTED],
      ["localhost", "sslrootcert=system", UNTRUSTED],
    ])("at %s with %j: %s", async (host, query, outcome) => {
      expect(await outcomeOf(encrypted, host, query)).toEqual(
        typeof outcome === "string" ? outcome : expect.stringMatching(outcome),
      );
    });

    test.each<[query: string, outcome: string | RegExp]>([
      ["", "plain"],
      ["sslmode=prefer", "plain"],
      ["sslmode=require", /: The server does not support SSL connections; check DATABASE_URL/],
    ])("a server without TLS, with %j: %s", async (query, outcome) => {
      expect(await outcomeOf(plain, "127.0.0.1", query)).toEqual(
        typeof outcome === "string" ? outcome : expect.stringMatching(outcome),
      );
    });

    test("migrations go the same way", async () => {
      const connectionString = `postgres://postgres@127.0.0.1:${encrypted.port}/postgres?sslmode=verify-full&sslrootcert=${file("ca.pem")}`;
      const directories = { directory: migrationsDirectory() };
      await expect(migrate({ connectionString, ...directories })).rejects.toThrow(/127\.0\.0\.1/);
      const named = connectionString.replace("127.0.0.1", "localhost");
      expect(await migrate({ connectionString: named, ...directories })).not.toEqual([]);
    });
  },
);
