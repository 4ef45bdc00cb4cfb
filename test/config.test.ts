import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { decide } from "../packages/cors/src/index.ts";
import { ConfigError, readConfig, readConsoleConfig, readLedgerConfig } from "../src/config/config.ts";
import { readConnectionUrl } from "../src/database/index.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const production = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://finance:hunter2@db:5432/finance",
  CORS_ALLOWED_ORIGINS: "https://app.example.com",
  AUTH_JWT_SECRET: SECRET,
};

function mistakesOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

test.each([
  [{}, 2500],
  [{ MAX_CONNECTIONS: "2" }, 100],
  [{ MAX_CONNECTIONS: "80000" }, 20_000],
  [{ MAX_CONNECTIONS_PER_ADDRESS: "7" }, 7],
  [{ MAX_CONNECTIONS_PER_ADDRESS: "0" }, Number.POSITIVE_INFINITY],
])("%j limits the connections of one address", (environment, connections) => {
  expect(readConfig(environment).overload.connectionsPerAddressMax).toBe(connections);
});

test("an empty environment gives the development defaults", () => {
  const { cors, ...rest } = readConfig({});
  expect(rest).toEqual({
    environment: "development",
    host: "127.0.0.1",
    port: 9707,
    consolePort: 5173,
    databaseUrl: undefined,
    dataDir: ".data",
    twirpPrefix: "/twirp",
    auth: { trust: undefined, issuer: undefined, audience: undefined },
    bodyLimit: 1_048_576,
    overload: {
      connectionsMax: 10_000,
      connectionsPerAddressMax: 2500,
      requestsInFlightMax: 10_000,
      eventLoopDelayMs: 2000,
      heapBytes: undefined,
      memoryBytes: 0,
      heldBytes: undefined,
      perCaller: undefined,
      perAddress: undefined,
    },
    trustProxy: [],
    demoData: true,
    logLevel: "info",
    warnings: [],
    workers: undefined,
    shutdownDelayMs: 0,
  });
  expect(cors).toMatchObject({
    allowHeaders: "authorization, content-type, x-requested-with, accept, accept-encoding, idempotency-key",
    maxAge: "86400",
    preflightStatus: 204,
    credentials: false,
  });
  const origins = [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://localhost.evil.com",
    "https://localhost:5173",
  ];
  const allowed = origins.filter(
    (origin) =>
      decide(cors, {
        method: "POST",
        origin,
        requestMethod: undefined,
        requestHeaders: undefined,
        requestPrivateNetwork: undefined,
      }).reason === "allowed",
  );
  expect(allowed).toEqual(["http://localhost:5173", "http://127.0.0.1:3000"]);
});

test("production needs its database, origins and keys, and serves no console and no demo data", () => {
  expect(mistakesOf({ NODE_ENV: "production" })).toEqual([
    expect.stringMatching(/^DATABASE_URL: is required in production/),
    expect.stringMatching(/^CORS_ALLOWED_ORIGINS: is required in production/),
    expect.stringMatching(/^AUTH_JWKS_URL or AUTH_JWT_SECRET: one is required/),
  ]);
  expect(readConfig(production)).toMatchObject({ environment: "production", consolePort: undefined, demoData: false });
});

test.each(["", " "])("production does not fall back to anything generated if a secret is %j", (empty) => {
  expect(mistakesOf({ ...production, DATABASE_URL: empty, AUTH_JWT_SECRET: empty })).toEqual([
    expect.stringMatching(/^DATABASE_URL: is required in production/),
    expect.stringMatching(/^AUTH_JWKS_URL or AUTH_JWT_SECRET: one is required/),
  ]);
});

describe("a secret in a file", () => {
  const contents: Record<string, string | Uint8Array> = {
    secret: `${SECRET}\n`,
    windows: `\ufeff${SECRET}\r\n\r\n`,
    spaces: ` ${SECRET} `,
    short: "hunter2\n",
    empty: "\n",
    binary: Uint8Array.of(0xff, 0xfe, 0x68, 0),
    large: "hunter2".repeat(10_000),
    unreadable: SECRET,
    url: "postgres://finance:hunter2@db:5432/finance\n",
    "url without password": "postgres://finance@db:5432/finance?pgbouncer=true\n",
    "no url": "hunter2",
    password: "p@ss/w:rd ?&+%\n",
    headers: "authorization=Bearer hunter2\n",
  };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(inject("scratch"), "secret-files-"));
    for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content);
    await chmod(join(folder, "unreadable"), 0);
  });
  /** Names files in the folder of this test. */
  const inFolder = (files: Record<string, string>) =>
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(folder, file)]));
  const { DATABASE_URL: _url, AUTH_JWT_SECRET: _secret, ...bare } = production;

  test.each([
    ["secret", SECRET],
    ["windows", SECRET],
    ["spaces", ` ${SECRET} `],
  ])("is its text without the newlines at the end: %s", (file, secret) => {
    const { auth } = readConfig(inFolder({ AUTH_JWT_SECRET_FILE: file }));
    expect(auth.trust).toEqual({ secret });
  });

  test("may be each of them, in production too, for every command", () => {
    const files = inFolder({
      AUTH_JWT_SECRET_FILE: "secret",
      DATABASE_URL_FILE: "url",
      OTEL_EXPORTER_OTLP_HEADERS_FILE: "headers",
    });
    const databaseUrl = "postgres://finance:hunter2@db:5432/finance";
    expect(readConfig({ ...bare, ...files })).toMatchObject({
      databaseUrl,
      auth: { trust: { secret: SECRET } },
      traceHeaders: "authorization=Bearer hunter2",
      demoData: false,
    });
    expect(readLedgerConfig({ NODE_ENV: "production", ...files }).databaseUrl).toBe(databaseUrl);
    expect(readConsoleConfig({ ...files, CONSOLE_API_URL: "https://api.example.com" }).port).toBe(5173);
  });

  test.each(["postgres://finance@db/finance", "postgres:///finance?host=db&user=finance", "postgres://finance@a,b"])(
    "may be the password of %s alone",
    (url) => {
      const { databaseUrl = "" } = readLedgerConfig({
        DATABASE_URL: url,
        PGPASSWORD: "",
        ...inFolder({ PGPASSWORD_FILE: "password" }),
      });
      const { target } = { target: undefined, ...readConnectionUrl(databaseUrl, {}) };
      expect(target).toMatchObject({ user: "finance", password: "p@ss/w:rd ?&+%" });
    },
  );

  test("may be an empty variable, which means unset", () => {
    expect(readConfig({ ...production, AUTH_JWT_SECRET_FILE: "", DATABASE_URL_FILE: " " }).auth.trust).toEqual({
      secret: SECRET,
    });
  });

  const isRoot = process.getuid?.() === 0;
  test.each<[files: Record<string, string>, plain: Record<string, string>, mistakes: RegExp[]]>([
    [
      { AUTH_JWT_SECRET_FILE: "nowhere" },
      {},
      [/^AUTH_JWT_SECRET_FILE: \/.*nowhere can't be read \(there is no such file\)$/],
    ],
    [{ AUTH_JWT_SECRET_FILE: "." }, {}, [/^AUTH_JWT_SECRET_FILE: \/.* can't be read \(it is a directory\)$/]],
    [{ AUTH_JWT_SECRET_FILE: "empty" }, {}, [/^AUTH_JWT_SECRET_FILE: \/.*empty is empty$/]],
    [{ AUTH_JWT_SECRET_FILE: "binary" }, {}, [/^AUTH_JWT_SECRET_FILE: \/.*binary is not text in UTF-8$/]],
    [
      { AUTH_JWT_SECRET_FILE: "large" },
      {},
      [/^AUTH_JWT_SECRET_FILE: \/.*large has 70000 bytes; a secret has at most 65536$/],
    ],
    [
      { AUTH_JWT_SECRET_FILE: "../../../../../../../dev/zero" },
      {},
      [/^AUTH_JWT_SECRET_FILE: \/dev\/zero is not a regular file$/],
    ],
    [{ AUTH_JWT_SECRET_FILE: "short" }, {}, [/^AUTH_JWT_SECRET_FILE: must be at least 32 bytes of UTF-8$/]],
    [{ DATABASE_URL_FILE: "no url" }, {}, [/^DATABASE_URL_FILE: must be a URL that starts with postgres:/]],
    [
      { AUTH_JWT_SECRET_FILE: "secret" },
      { AUTH_JWT_SECRET: SECRET },
      [/^AUTH_JWT_SECRET, AUTH_JWT_SECRET_FILE: set one of them, not both$/],
    ],
    [
      { AUTH_JWT_SECRET_FILE: "secret" },
      { AUTH_JWKS_URL: "https://issuer.test/jwks" },
      [/^AUTH_JWKS_URL, AUTH_JWT_SECRET_FILE: set one of them, not both$/],
    ],
    [
      { DATABASE_URL_FILE: "url", PGPASSWORD_FILE: "password" },
      {},
      [/^DATABASE_URL_FILE, PGPASSWORD_FILE: both have a password; remove the one in the URL$/],
    ],
    [
      { AUTH_JWT_SECRET_FILE: "short", DATABASE_URL_FILE: "nowhere", PGPASSWORD_FILE: "empty" },
      { PORT: "x" },
      [/^PORT: /, /^DATABASE_URL_FILE: /, /^PGPASSWORD_FILE: /, /^AUTH_JWT_SECRET_FILE: /],
    ],
    [
      { AUTH_JWT_SECERT_FILE: "secret" },
      {},
      [/^AUTH_JWT_SECERT_FILE: there is .+; did you mean AUTH_JWT_SECRET_FILE\?$/],
    ],
    [{ DATABASE_URL_FLIE: "url" }, {}, [/^DATABASE_URL_FLIE: there is .+; did you mean DATABASE_URL_FILE\?$/]],
    [{ AUTH_ISSUER_FILE: "secret" }, {}, [/^AUTH_ISSUER_FILE: there is no such variable/]],
    // Root may read everything.
    ...(isRoot ? [] : [unreadable()]),
  ])("is refused for %j with %j", (files, plain, mistakes) => {
    const found = mistakesOf({ ...plain, ...inFolder(files) });
    expect(found).toEqual(mistakes.map((mistake) => expect.stringMatching(mistake)));
    expect(found.join()).not.toMatch(/hunter2|p@ss|0123456789/);
  });

  function unreadable(): [Record<string, string>, Record<string, string>, RegExp[]] {
    return [{ AUTH_JWT_SECRET_FILE: "unreadable" }, {}, [/unreadable can't be read \(this user may not\)$/]];
  }
});

describe("in production warns of", () => {
  const sound = { ...production, DATABASE_URL: "postgres://finance:hunter2@db/finance?sslrootcert=system" };
  const warningsOf = (change: Record<string, string>) => readConfig({ ...sound, ...change }).warnings;

  test("nothing if all is well", () => {
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ DATABASE_URL: "postgres://finance:hunter2@127.0.0.1/finance" })).toEqual([]);
  });

  test.each<[change: Record<string, string>, warning: RegExp]>([
    [{ DATABASE_URL: "postgres://a:hunter2@db/finance" }, /^DATABASE_URL: the server's certificate is not verified/],
    [{ DATABASE_URL: "postgres://a:hunter2@db/finance?sslmode=require" }, /^DATABASE_URL: .* sslmode=verify-full/],
    [{ CORS_ALLOWED_ORIGINS: "*" }, /^CORS_ALLOWED_ORIGINS: any page may call/],
    [{ CORS_ALLOWED_ORIGINS: "http://localhost:*" }, /^CORS_ALLOWED_ORIGINS: has an origin without TLS/],
    [{ AUTH_JWT_SECRET: "abc".repeat(20) }, /^AUTH_JWT_SECRET: is easily guessed/],
    [
      { AUTH_JWT_SECRET: "", AUTH_JWKS_URL: "http://issuer.test/jwks", AUTH_AUDIENCE: "finance" },
      /^AUTH_JWKS_URL: keys are fetched without TLS/,
    ],
    [{ AUTH_JWT_SECRET: "", AUTH_JWKS_URL: "https://issuer.test/jwks" }, /^AUTH_AUDIENCE: is unset/],
    [{ DEMO_DATA: "true" }, /^DEMO_DATA: fills an empty ledger/],
  ])("%o", (change, warning) => {
    const warnings = warningsOf(change);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(warnings.join()).not.toContain("hunter2");
  });
});

test("demo data is off with a database of your own unless it is turned on", () => {
  expect(readConfig({ DATABASE_URL: "postgres://localhost/finance" }).demoData).toBe(false);
  expect(readConfig({ DATABASE_URL: "postgres://localhost/finance", DEMO_DATA: "true" }).demoData).toBe(true);
});

describe("accepts", () => {
  test.each<[Record<string, string>, object]>([
    [{ PORT: "0" }, { port: 0 }],
    [{ CONSOLE_PORT: "off" }, { consolePort: undefined }],
    [{ CONSOLE_PORT: "0" }, { consolePort: undefined }],
    [{ TWIRP_PREFIX: "" }, { twirpPrefix: "" }],
    [{ TWIRP_PREFIX: "/my/api" }, { twirpPrefix: "/my/api" }],
    [{ DATA_DIR: "" }, { dataDir: ".data" }],
    [{ CORS_ALLOWED_ORIGINS: " https://a.example , https://*.b.example " }, { cors: { allowMethods: "POST" } }],
    [{ CORS_ALLOWED_ORIGINS: "*" }, { cors: { anyOrigin: true } }],
    [{ CORS_ALLOWED_ORIGINS: "none" }, { cors: { anyOrigin: false } }],
    [{ CORS_MAX_AGE: "disable" }, { cors: { maxAge: "0" } }],
    [{ CORS_PREFLIGHT_STATUS: "200" }, { cors: { preflightStatus: 200 } }],
    [{ WORKERS: "auto" }, { workers: "auto" }],
    [{ WORKERS: "1" }, { workers: 1 }],
    [{ WORKERS: "64" }, { workers: 64 }],
    [{ SHUTDOWN_DELAY_MS: "3000" }, { shutdownDelayMs: 3000 }],
    [{ AUTH_JWKS_URL: "https://issuer.test/jwks" }, { auth: { trust: { jwksUrl: "https://issuer.test/jwks" } } }],
    [{ RATE_LIMIT_PER_CALLER: "50" }, { overload: { perCaller: 50, perAddress: undefined } }],
    [{ OVERLOAD_EVENT_LOOP_DELAY_MS: "0" }, { overload: { eventLoopDelayMs: 0 } }],
    [{ TRUST_PROXY: "loopback, 10.0.0.0/8,::1" }, { trustProxy: ["loopback", "10.0.0.0/8", "::1"] }],
  ])("%o", (environment, expected) => {
    expect(readConfig(environment)).toMatchObject(expected);
  });
});

describe("names the variable, its value and what would be right:", () => {
  test.each<[name: string, value: string, message: RegExp]>([
    ["NODE_ENV", "prod", /^NODE_ENV: must be development, production or test, not "prod"$/],
    ["PORT", "http", /^PORT: must be a whole number from 0 to 65535, not "http"$/],
    ["PORT", "65536", /^PORT: must be a whole number from 0 to 65535/],
    ["PORT", "-1", /^PORT: must be a whole number/],
    ["PORT", "1e3", /^PORT: must be a whole number/],
    ["CONSOLE_PORT", "yes", /^CONSOLE_PORT: must be off or a whole number from 0 to 65535, not "yes"$/],
    [
      "DATABASE_URL",
      "mysql://root:hunter2@db/finance",
      /^DATABASE_URL: must be a URL that starts with postgres:\/\/ or postgresql:\/\/$/,
    ],
    ["TWIRP_PREFIX", "twirp", /^TWIRP_PREFIX: must be empty or start with "\/"/],
    ["TWIRP_PREFIX", "/twirp/", /^TWIRP_PREFIX: must be empty or start with "\/" and end without one/],
    [
      "CORS_ALLOWED_ORIGINS",
      "https://app.example.com/",
      /^CORS_ALLOWED_ORIGINS: .*https:\/\/app\.example\.com\/.*slash/,
    ],
    ["CORS_ALLOWED_ORIGINS", "https://app.example.com/path", /^CORS_ALLOWED_ORIGINS: .*path/],
    ["CORS_ALLOWED_ORIGINS", "app.example.com", /^CORS_ALLOWED_ORIGINS: .*https:\/\/app\.example\.com/],
    ["CORS_ALLOWED_ORIGINS", "null", /^CORS_ALLOWED_ORIGINS: /],
    ["CORS_ALLOWED_HEADERS", "x y", /^CORS_ALLOWED_HEADERS: /],
    ["CORS_EXPOSED_HEADERS", "set-cookie", /^CORS_EXPOSED_HEADERS: /],
    ["CORS_ALLOW_CREDENTIALS", "yes", /^CORS_ALLOW_CREDENTIALS: must be true or false, not "yes"$/],
    ["CORS_MAX_AGE", "-1", /^CORS_MAX_AGE: /],
    ["CORS_MAX_AGE", "86401", /^CORS_MAX_AGE: /],
    ["CORS_PREFLIGHT_STATUS", "201", /^CORS_PREFLIGHT_STATUS: must be 200 or 204, not "201"$/],
    ["AUTH_JWT_SECRET", "hunter2", /^AUTH_JWT_SECRET: must be at least 32 bytes of UTF-8$/],
    ["AUTH_JWKS_URL", "issuer.test/jwks", /^AUTH_JWKS_URL: must be a URL/],
    ["CONSOLE_PORT", "of", /^CONSOLE_PORT: must be off or a whole number from 0 to 65535, not "of"$/],
    ["CORS_MAX_AGE", "disabled", /^CORS_MAX_AGE: must be disable or a whole number from 0 to 86400, not "disabled"$/],
    ["PORT", "5173", /^PORT, CONSOLE_PORT: both are 5173; give each a port of its own, or set CONSOLE_PORT to off$/],
    ["CONSOLE_PORT", "9707", /^PORT, CONSOLE_PORT: both are 9707;/],
    ["BODY_LIMIT", "0", /^BODY_LIMIT: must be a whole number from 1/],
    ["WORKERS", "0", /^WORKERS: must be auto or a whole number from 1 to 64, not "0"$/],
    ["WORKERS", "65", /^WORKERS: must be auto or a whole number from 1 to 64/],
    ["WORKERS", "all", /^WORKERS: must be auto or a whole number from 1 to 64/],
    ["SHUTDOWN_DELAY_MS", "3s", /^SHUTDOWN_DELAY_MS: must be a whole number from 0 to 60000, not "3s"$/],
    ["MAX_CONNECTIONS", "0", /^MAX_CONNECTIONS: must be a whole number from 1 to 1000000, not "0"$/],
    ["RATE_LIMIT_PER_ADDRESS", "0.5", /^RATE_LIMIT_PER_ADDRESS: must be a whole number from 1/],
    ["OVERLOAD_DELAY", "5", /^OVERLOAD_DELAY: there is no such variable; did you mean OVERLOAD_EVENT_LOOP_DELAY_MS\?$/],
    ["TRUST_PROXY", "true", /^TRUST_PROXY: must be a comma list of addresses, networks .*, not "true"$/],
    [
      "RATE_LIMIT",
      "5",
      /^RATE_LIMIT: there is no such variable; did you mean RATE_LIMIT_PER_CALLER or RATE_LIMIT_PER_ADDRESS\?$/,
    ],
    ["TRUST_PROXIES", "loopback", /^TRUST_PROXIES: there is no such variable; did you mean TRUST_PROXY\?$/],
    [
      "MAX_CONNECTIONS_PER_IP",
      "5",
      /^MAX_CONNECTIONS_PER_IP: there is no such variable; there are MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, /,
    ],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", /^OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL that starts with/],
    ["TRUST_PROXY", "10.0.0.0/33", /^TRUST_PROXY: must be a comma list/],
    ["TRUST_PROXY", "1", /^TRUST_PROXY: must be a comma list/],
    ["TRUST_PROXY", "10/8", /^TRUST_PROXY: must be a comma list/],
    ["TRUST_PROXY", "10.0.0.0/255.0.0.0", /^TRUST_PROXY: must be a comma list/],
    ["DEMO_DATA", "1", /^DEMO_DATA: must be true or false/],
    ["LOG_LEVEL", "verbose", /^LOG_LEVEL: must be one of fatal, error/],
    ["CORS_ORIGINS", "*", /^CORS_ORIGINS: there is no such variable; did you mean CORS_ALLOWED_ORIGINS\?$/],
    ["CORS_ALLOW_ORIGIN", "*", /^CORS_ALLOW_ORIGIN: there is no such variable; did you mean CORS_ALLOWED_ORIGINS\?$/],
    ["CORS_METHODS", "GET", /^CORS_METHODS: there is no such variable; there are CORS_ALLOWED_ORIGINS, CORS_/],
    [
      "CORS_ALLOWED_ORIGIN",
      "*",
      /^CORS_ALLOWED_ORIGIN: there is no such variable; did you mean CORS_ALLOWED_ORIGINS\?$/,
    ],
    ["DATABSE_URL", "x", /^DATABSE_URL: there is no such variable; did you mean DATABASE_URL\?$/],
    ["AUTH_JWT_SECERT", "x", /did you mean AUTH_JWT_SECRET\?$/],
  ])("%s=%s", (name, value, message) => {
    expect(mistakesOf({ [name]: value })).toEqual([expect.stringMatching(message)]);
  });

  test("* with credentials", () => {
    const mistakes = mistakesOf({ CORS_ALLOWED_ORIGINS: "*", CORS_ALLOW_CREDENTIALS: "true" });
    expect(mistakes).toEqual([expect.stringMatching(/^CORS_\w+: .*credentials/i)]);
  });

  test("two ways to verify tokens", () => {
    const both = { AUTH_JWT_SECRET: SECRET, AUTH_JWKS_URL: "https://issuer.test/jwks" };
    expect(mistakesOf(both)).toEqual([expect.stringMatching(/^AUTH_JWKS_URL, AUTH_JWT_SECRET: set one/)]);
  });
});

test("all mistakes come in one report that never repeats a secret", () => {
  const environment = {
    PORT: "x",
    LOG_LEVEL: "x",
    CORS_MAX_AGE: "x",
    AUTH_JWT_SECRET: "hunter2",
    DATABASE_URL: "hunter2",
  };
  expect(() => readConfig(environment)).toThrow(/^The environment has 5 mistakes:\n( {2}[A-Z_]+: .+\n?){5}$/);
  expect(mistakesOf(environment).join("\n")).not.toContain("hunter2");
});

test("variables of other programs are left alone", () => {
  expect(
    mistakesOf({ PATH: "/bin", HOME: "/home/a", npm_config_x: "y", PORTAL: "x", HOSTS: "y", DATABASE: "z" }),
  ).toEqual([]);
});

describe("an audit", () => {
  test("needs only the place of the ledger", () => {
    const DATABASE_URL = "postgres://db.test/finance";
    expect(readLedgerConfig({ NODE_ENV: "production", DATABASE_URL })).toEqual({
      databaseUrl: DATABASE_URL,
      dataDir: ".data",
    });
  });

  test.each([
    [{ NODE_ENV: "production" }, /DATABASE_URL: is required in production/],
    [{ DATABASE_URL: "db.test" }, /DATABASE_URL: must be a URL/],
    [
      { DATABSE_URL: "postgres://db.test/finance" },
      /DATABSE_URL: there is no such variable; did you mean DATABASE_URL/,
    ],
  ])("%o is refused", (environment, message) => {
    expect(() => readLedgerConfig(environment)).toThrow(message);
  });
});

describe("a console by itself", () => {
  test("needs only the place of the API", () => {
    const CONSOLE_API_URL = "https://api.example.com";
    expect(readConsoleConfig({ NODE_ENV: "production", HOST: "0.0.0.0", CONSOLE_API_URL })).toEqual({
      host: "0.0.0.0",
      port: 5173,
      apiUrl: CONSOLE_API_URL,
      twirpPrefix: "/twirp",
      logLevel: "info",
    });
  });

  test.each<[environment: Record<string, string>, mistake: RegExp]>([
    [{}, /^CONSOLE_API_URL: is required/],
    [{ CONSOLE_API_URL: "" }, /^CONSOLE_API_URL: is required/],
    [{ CONSOLE_API_URL: "api.example.com" }, /^CONSOLE_API_URL: must be a URL that starts with https:\/\/ or http:/],
    [{ CONSOLE_API_URL: "https://api.example.com/twirp" }, /^CONSOLE_API_URL: must be an origin alone/],
    [{ CONSOLE_API_URL: "https://api.example.com", CONSOLE_PORT: "off" }, /^CONSOLE_PORT: must be a port/],
    [{ CONSOLE_API_URL: "https://api.example.com", CONSOLE_API: "x" }, /^CONSOLE_API: there is no such variable/],
  ])("%j is a mistake of its own", (environment, mistake) => {
    expect.assertions(2);
    try {
      readConsoleConfig(environment);
    } catch (error) {
      const mistakes = error instanceof ConfigError ? error.mistakes : [];
      expect(mistakes).toHaveLength(1);
      expect(mistakes[0]).toMatch(mistake);
    }
  });
});
