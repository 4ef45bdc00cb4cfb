import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { AuthenticationError, KeysUnavailableError } from "../../src/auth/index.ts";
import { PoolExhaustedError } from "../../src/database/index.ts";
import { mapFinanceError } from "../../src/finance/error-mapping.ts";
import { catalogue, FinanceError, refuse } from "../../src/finance/errors.ts";

function map(error: unknown) {
  const headers: Record<string, string> = {};
  const set = (name: string, value: string) => {
    headers[name] = value;
  };
  const mapped = mapFinanceError(error, { headers: { set, append: set } });
  return mapped && { code: mapped.code, msg: mapped.msg, meta: { ...mapped.meta }, headers };
}

const sqlError = (code: string) => Object.assign(new Error("from the database"), { code });

const table: [what: string, error: unknown, expected: object | undefined][] = [
  [
    "a refusal with a reason",
    new FinanceError(refuse("currency_mismatch", "no", {})),
    { code: "failed_precondition", msg: "no", meta: { reason: "currency_mismatch" }, headers: {} },
  ],
  [
    "a full queue",
    new FinanceError(refuse("overloaded", "full", { retry_after_ms: "1250" })),
    { code: "resource_exhausted", msg: "full", meta: { retry_after_ms: "1250" }, headers: { "retry-after": "2" } },
  ],
  [
    "too many who wait for a connection",
    new PoolExhaustedError("1000 are waiting for a database connection already"),
    {
      code: "resource_exhausted",
      msg: "every database connection is in use; try again in 500 ms",
      meta: { retry_after_ms: "500" },
      headers: { "retry-after": "1" },
    },
  ],
  [
    "keys that others keep using",
    Object.assign(sqlError("23505"), { constraint: "idempotency_decided_once" }),
    { code: "unavailable", headers: { "retry-after": "1" } },
  ],
  [
    "no token",
    new AuthenticationError("token_missing", "send one"),
    {
      code: "unauthenticated",
      msg: "send one",
      meta: { reason: "token_missing" },
      headers: { "www-authenticate": "Bearer" },
    },
  ],
  [
    "a bad token",
    new AuthenticationError("token_expired", "too old"),
    {
      code: "unauthenticated",
      meta: { reason: "token_expired" },
      headers: { "www-authenticate": 'Bearer error="invalid_token"' },
    },
  ],
  [
    "keys that can't be fetched",
    new KeysUnavailableError({}),
    { code: "unavailable", headers: { "retry-after": "1" } },
  ],
  ["a lost database", sqlError("57P01"), { code: "unavailable", headers: { "retry-after": "1" } }],
  ["a lock that took too long", sqlError("55P03"), { code: "unavailable", headers: { "retry-after": "1" } }],
  ["a statement that is wrong", sqlError("42601"), undefined],
  ["anything else", new Error("boom"), undefined],
];

describe("maps", () => {
  test.each(table)("%s", (_, error, expected) => {
    const mapped = map(error);
    if (expected === undefined) expect(mapped).toBeUndefined();
    else expect(mapped).toMatchObject(expected);
  });
});

describe("the catalogue", () => {
  test.each(Object.entries(catalogue))("%s is in docs/errors.md with its code and meta", async (situation, entry) => {
    const docs = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const meta = [...("reason" in entry ? [`reason: ${situation}`] : []), ...entry.meta].map((key) => `\`${key}\``);
    expect(docs).toContain(`| \`${situation}\` | \`${entry.code}\` | ${meta.join(" ")} | ${entry.meaning} |`);
  });

  test("is documented in its order", async () => {
    const docs = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const documented = [...docs.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(documented).toEqual(Object.keys(catalogue));
  });
});
