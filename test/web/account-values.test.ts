import { expect, test } from "vitest";
import { type EditValues, editValuesOf, readEdit, readOverdraft } from "../../web/src/accounts/account-values.ts";
import { type Pair, problemsOfPairs, readPairs } from "../../web/src/components/metadata-pairs.ts";
import { anAccount } from "./accounts.ts";

const account = anAccount({ name: "Alice", overdraftLimit: 2500n, metadata: { a: "1", b: "2" } });

test.each<[what: string, change: Partial<EditValues>, edit: object]>([
  ["nothing", {}, {}],
  ["spaces around the name", { name: " Alice " }, {}],
  ["the name", { name: "Bob" }, { name: "Bob" }],
  ["no overdraft", { overdraft: "" }, { overdraftLimit: 0n }],
  ["another overdraft", { overdraft: "30.5" }, { overdraftLimit: 3050n }],
  // The service refuses a limit together with an unlimited overdraft.
  ["an unlimited overdraft", { unlimited: true }, { overdraftLimit: 0n, unlimitedOverdraft: true }],
  [
    "metadata",
    {
      metadata: [
        { key: "b", value: "3" },
        { key: "c", value: "4" },
      ],
    },
    { metadata: { a: "", b: "3", c: "4" } },
  ],
])("an edit of %s sends only what changed", (_, change, edit) => {
  expect(readEdit({ ...editValuesOf(account), ...change }, account)).toEqual({ edit });
});

test.each<[change: Partial<EditValues>, field: string]>([
  [{ name: " " }, "name"],
  [{ overdraft: "ten" }, "overdraft"],
  [{ metadata: [{ key: "", value: "1" }] }, "metadata"],
])("%j is reported at the field", (change, field) => {
  const read = readEdit({ ...editValuesOf(account), ...change }, account);
  expect(Object.keys("problems" in read ? read.problems : {})).toEqual([field]);
});

test("an unlimited overdraft has no limit, whatever was typed before", () => {
  expect(readOverdraft({ overdraft: "ten", unlimited: true }, account)).toEqual({ ok: true, minor: 0n });
});

test.each<[pairs: readonly Pair[], metadata: object | undefined]>([
  [[], {}],
  [[{ key: "", value: "" }], {}],
  [[{ key: "a", value: "1" }], { a: "1" }],
  [[{ key: "a", value: "" }], undefined],
  [[{ key: "", value: "1" }], undefined],
  [
    [
      { key: "a", value: "1" },
      { key: "a", value: "2" },
    ],
    undefined,
  ],
])("the pairs %j are the metadata %j", (pairs, metadata) => {
  expect(readPairs(pairs)).toEqual(metadata);
  expect(problemsOfPairs(pairs).every((problems) => Object.keys(problems).length === 0)).toBe(metadata !== undefined);
});
