import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { migrationsDirectory } from "../../src/package-files.ts";
import { findBreaches } from "./forward-compatibility.ts";

const PATIENCE = "set local lock_timeout = '2s';\n";

const breachesOf = (sql: string) => findBreaches(sql, "0.2.0").map(({ line, problem }) => `${line}: ${problem}`);

test("after every migration the previous version still works", async () => {
  const directory = migrationsDirectory();
  const { version } = JSON.parse(await readFile(join(directory, "../package.json"), "utf8"));
  const files = (await readdir(directory)).filter((name) => /^\d+_.*\.sql$/.test(name) && !name.startsWith("0001_"));
  const breaches: string[] = [];
  for (const file of files) {
    const sql = await readFile(join(directory, file), "utf8");
    breaches.push(...findBreaches(sql, version).map(({ line, problem }) => `${file}:${line} ${problem}`));
  }
  expect(breaches, "docs/migrations.md has the rules").toEqual([]);
});

describe("refused:", () => {
  test.each<[sql: string, problem: RegExp]>([
    ["drop table hold;", /^1: drops what/],
    ["DROP TABLE IF EXISTS hold;", /^1: drops what/],
    ["drop view v", /^1: drops what/],
    ["drop function f(int);", /^1: drops what/],
    ["drop index transfer_reverses;", /^1: drops what/],
    [`${PATIENCE}alter table account drop column name;`, /^2: drops a column/],
    [`${PATIENCE}alter table account drop name;`, /^2: drops a column/],
    [`${PATIENCE}alter table account add column x int, drop column name;`, /^2: drops a column/],
    [`${PATIENCE}alter table account rename column name to title;`, /^2: renames/],
    [`${PATIENCE}alter table account rename to accounts;`, /^2: renames/],
    ["alter sequence transfer_id rename to id;", /^1: renames/],
    [`${PATIENCE}alter table account set schema old;`, /^2: moves/],
    [`${PATIENCE}alter table account alter column type type int;`, /^2: changes a column's type/],
    [`${PATIENCE}alter table account\n  alter name set data type varchar(10);`, /^2: changes a column's type/],
    [`${PATIENCE}alter table transfer alter column description set not null;`, /^2: refuses rows/],
    [`${PATIENCE}alter table account alter metadata drop default;`, /^2: takes away a default/],
    [`${PATIENCE}alter table account add column x int not null;`, /^2: adds a column/],
    [`${PATIENCE}alter table account add x int not null;`, /^2: adds a column/],
    [`${PATIENCE}alter table account add column x int default 0, add column y int not null;`, /^2: adds a column/],
    [`${PATIENCE}alter table account add column x int not null, add column y int default 0;`, /^2: adds a column/],
    [`${PATIENCE}alter table account add column x uuid default gen_random_uuid();`, /^2: rewrites/],
    [`${PATIENCE}alter table account add column x bigserial;`, /^2: rewrites/],
    [`${PATIENCE}alter table account add column x int generated always as (1) stored;`, /^2: rewrites/],
    [`${PATIENCE}alter table account add constraint c unique (name);`, /^2: refuses rows/],
    [`${PATIENCE}alter table account add primary key (id);`, /^2: refuses rows/],
    [`${PATIENCE}alter table account add constraint c check (name <> '');`, /^2: reads the whole table/],
    [`${PATIENCE}alter table transfer add foreign key (debit_account_id) references account;`, /^2: reads the whole/],
    [`${PATIENCE}alter table transfer add column x bigint references account (id);`, /^2: reads the whole table/],
    ["create unique index i on account (name);", /^1: refuses rows/],
    ["create index i on account (name);", /^1: blocks writers/],
    ["create index if not exists i on account (name);", /^1: blocks writers/],
    ["create index concurrently i on account (name);", /^1: can't run inside/],
    [
      "-- ahead: create index concurrently if not exists i on account (id)\ncreate index if not exists i on account (name);",
      /^2: blocks/,
    ],
    ["update account set name = 'x';", /^1: changes rows/],
    ["delete from hold;", /^1: changes rows/],
    ["truncate hold;", /^1: changes rows/],
    ["lock table account;", /^1: locks a table/],
    ["revoke select on account from reader;", /^1: takes away a right/],
    ["do $$ begin execute 'drop table account'; end $$;", /^1: hides/],
    ["alter table account add column x int;", /^1: alter table without `set local lock_timeout/],
    ["-- contract: soon\ndrop table hold;", /^1: a contract step reads/],
    ["-- why\n-- contract: after 0.2.0\ndrop table hold;", /^2: .*0\.2\.0 is not older than 0\.2\.0/],
    ["-- contract: after 0.10.0\ndrop table hold;", /^1: .*0\.10\.0 is not older/],
    ["-- stop: soon", /^1: a stop step reads/],
    ["-- stop: before 0.2\ndrop table hold;", /^1: a stop step reads/],
    ["-- stop: after 0.2.0\nupdate account set name = 'x';", /^1: a stop step reads/],
    ["-- stop: before 0.2.0 and 0.3.0\nselect 1;", /^1: a stop step reads/],
    ["-- why\n--stop: before 0.2.1\ndrop table hold;", /^2: .*0\.2\.0 is older than 0\.2\.1/],
    ["-- stop: before 0.10.0\ndrop table hold;", /^1: .*0\.2\.0 is older than 0\.10\.0/],
    ["-- stop: before 0.2.0\n-- stop: before 1.0.0\ndrop table hold;", /^2: .*is older than 1\.0\.0/],
    ["-- stop: before 0.2.0\nalter table account drop column name;", /^2: alter table without `set local lock_timeout/],
    [`-- stop: before 0.2.0\ncreate index concurrently i on account (name);`, /^2: can't run inside/],
    ["select 1; -- stop: before 0.2.0\ndrop table hold;", /^2: drops what/],
    ["/* a; /* b; */ */ select 'it''s; $$';\n\n-- c;\n  drop table hold;", /^4: drops what/],
    ["create table drops (id int); drop table hold;", /^1: drops what/],
  ])("%s", (sql, problem) => {
    const breaches = breachesOf(sql);
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toMatch(problem);
  });
});

describe("accepted:", () => {
  test.each([
    "create table event (id bigint primary key, name text not null unique);\ncreate unique index i on event (name);",
    "create table event (id bigint);\nalter table event add column x int not null;\ninsert into event values (1);",
    "create table if not exists public.event (id bigint);\ncreate index on event (id);\ndrop table event;",
    `${PATIENCE}alter table account add column note text;`,
    `${PATIENCE}alter table account add column note text not null default '';`,
    `${PATIENCE}alter table account add column note text default '' not null;`,
    `${PATIENCE}alter table account add column seen timestamptz not null default now();`,
    `${PATIENCE}alter table account add constraint c check (name <> 'drop table hold;') not valid;`,
    "set local lock_timeout to '2s';\nalter table account validate constraint c;",
    `${PATIENCE}alter table account alter column name set statistics 500;`,
    "-- ahead: create index concurrently if not exists i on account (name)\nCREATE INDEX IF NOT EXISTS i\n  ON account (name);",
    "create function f() returns void language sql as $body$ drop table hold; delete from hold; $body$;",
    "-- ahead: create index concurrently if not exists i on account (id)\ncreate index if not exists i on account (id);\ndrop index i;",
    "create function f() returns int language sql as $$ select 1 $$;\ndrop function f;",
    "create or replace view v as select 'drop table hold; update';",
    "create trigger t after insert on transfer for each row execute function f();",
    "comment on table account is E'it\\'s; drop table hold;';",
    "grant select on account to reader;",
    "-- drop table hold;\n/* delete from hold; */",
    "-- contract: after 0.1.9\ndrop table hold; alter table account drop column name;",
    "-- stop: before 0.2.0\ndrop table hold; drop function f; update account set name = 'x'; delete from hold;",
    "-- stop: before 0.1.9\nrevoke select on account from reader; create unique index i on account (name);",
    `-- Up Migration\n\n--  stop:  before 0.2.0 \n${PATIENCE}alter table account drop column name, add x int not null;`,
    `-- stop: before 0.2.0\n${PATIENCE}alter table account add constraint c check (name <> ''), rename name to title;`,
    "",
  ])("%s", (sql) => {
    expect(breachesOf(sql)).toEqual([]);
  });
});
