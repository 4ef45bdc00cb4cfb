/**
 * Finds statements of a migration that would break the previous version, which uses the same database while a new version is
 * rolled out, or block it for long. docs/migrations.md has the rules.
 */

/** A statement that breaks a rule. */
export interface Breach {
  /** The line of the statement's first word, from 1. */
  readonly line: number;
  readonly problem: string;
}

interface Statement {
  readonly line: number;
  /** Without comments, strings emptied, one space between words, names and keywords in lower case. */
  readonly text: string;
}

/**
 * Finds the statements of a migration that break a rule, in the order of its lines.
 *
 * @param version of the product that is being built. A contract step must follow an older version. A stop step must not name
 *   a newer one: it is applied while every process older than the version that it names is stopped, so it may break them.
 */
export function findBreaches(sql: string, version: string): Breach[] {
  const contract = /^--[ \t]*contract:[ \t]*(.*)$/m.exec(sql);
  if (contract !== null) return contractBreaches(sql, contract, version);
  const stops = [...sql.matchAll(/^--[ \t]*stop:[ \t]*(.*)$/gm)];
  const statements = splitStatements(sql);
  const created = new Set(statements.flatMap(({ text }) => CREATED.flatMap((pattern) => nameAfter(text, pattern))));
  const ahead = statementsAhead(sql);
  let waitsLong = true;
  const breaches = statements.flatMap(({ line, text }) => {
    if (/^set local lock_timeout /.test(text)) waitsLong = false;
    const changed = changedBy(text);
    // Nothing uses yet what the same file creates.
    if (changed !== undefined && created.has(changed)) return [];
    const problems = stops.length > 0 ? [] : problemsForVersionBefore(text, ahead);
    if (/^create (?:unique )?index concurrently /.test(text)) {
      problems.push("can't run inside the migrations' transaction: put it in a line `-- ahead: …`");
    }
    if (/^alter table /.test(text) && waitsLong) {
      problems.push("alter table without `set local lock_timeout = …;` before it: all postings wait behind it");
    }
    return problems.map((problem) => ({ line, problem }));
  });
  breaches.push(...stops.flatMap((stop) => stopBreaches(sql, stop, version)));
  return breaches.toSorted((a, b) => a.line - b.line);
}

function problemsForVersionBefore(text: string, ahead: ReadonlySet<string>): string[] {
  const problems = RULES.filter(({ pattern }) => pattern.test(text)).map(({ problem }) => problem);
  return [...problems, ...actionProblems(text), ...indexProblems(text, ahead)];
}

const NAME = String.raw`(?:if (?:not )?exists )?(?:only )?([\w."]+)`;
const CREATED: readonly RegExp[] = [
  new RegExp(`^create (?:unlogged )?table ${NAME}`),
  new RegExp(`^create index ${NAME} on `),
  new RegExp(`^create function ${NAME}\\(`),
];

/** Matches the name of the table that a statement changes, or of the index or function that it drops. */
const CHANGED: readonly RegExp[] = [
  new RegExp(`^drop (?:index|function) ${NAME}`),
  new RegExp(`^(?:alter|drop) table ${NAME}`),
  new RegExp(`^create (?:unique )?index (?:concurrently )?(?:if not exists )?(?:[\\w."]+ )?on ${NAME}`),
  new RegExp(`^create (?:or replace )?(?:constraint )?trigger .*? on ${NAME}`),
  new RegExp(`^(?:update|delete from|truncate(?: table)?|lock(?: table)?|cluster|insert into) ${NAME}`),
];

interface Rule {
  readonly pattern: RegExp;
  readonly problem: string;
}

/** All kinds of named objects, except those that a new version may replace. */
const DROPPED = "table|view|materialized view|function|procedure|type|domain|sequence|schema|index|extension|rule";

/** Reasons to refuse a whole statement. */
const RULES: readonly Rule[] = [
  { pattern: new RegExp(`^drop (?:${DROPPED}) `), problem: "drops what the version before may use" },
  { pattern: /^alter .* rename /, problem: "renames what the version before knows by its old name" },
  { pattern: /^alter .* set schema /, problem: "moves what the version before looks for where it was" },
  { pattern: /^create unique index /, problem: "refuses rows that the version before may write" },
  {
    pattern: /^(?:update|delete from|truncate) /,
    problem: "changes rows while their table is in use: do it in batches, outside of migrations",
  },
  { pattern: /^(?:lock|cluster|vacuum full|reindex) /, problem: "locks a table that is in use" },
  { pattern: /^revoke /, problem: "takes away a right that the version before may need" },
  { pattern: /^do /, problem: "hides what it does: write the statements out" },
];

/** Reasons to refuse a single action of an `alter table`: the first that matches counts. */
const ACTION_RULES: readonly Rule[] = [
  { pattern: /^drop (?!constraint )/, problem: "drops a column" },
  { pattern: /^alter (?:column )?\S+ (?:set data )?type /, problem: "changes a column's type and rewrites the table" },
  {
    pattern: /^alter .* set not null$/,
    problem: "refuses rows of the version before, and reads the whole table under a lock",
  },
  { pattern: /^alter .* drop default$/, problem: "takes away a default that the version before relies on" },
  {
    pattern: /^add (?:constraint \S+ )?(?:unique|primary key|exclude)\b/,
    problem: "refuses rows that the version before may write, and builds an index under a lock",
  },
  {
    pattern: /^add (?!.* not valid$)(?:constraint \S+ )?(?:check|foreign key)\b/,
    problem: "reads the whole table under a lock: add the constraint `not valid`, validate it later",
  },
  {
    pattern: /^add (?!constraint |foreign key|check).* (?:references|check)\b/,
    problem: "reads the whole table under a lock: add the column first, then the constraint `not valid`",
  },
  {
    pattern:
      /^add .*(?: generated | (?:big|small)?serial\b| default .*(?:random|clock_timestamp|timeofday|nextval|gen_random_uuid|uuidv[47]) ?\()/,
    problem: "rewrites the table: its rows get different values",
  },
  {
    pattern: /^add (?!.* default ).* not null\b/,
    problem: "adds a column that the version before leaves empty: not null needs a default",
  },
];

function actionProblems(text: string): string[] {
  const actions = new RegExp(`^alter table ${NAME} (.*)$`).exec(text)?.[2];
  if (actions === undefined) return [];
  return splitList(actions).flatMap((action) => {
    const rule = ACTION_RULES.find(({ pattern }) => pattern.test(action));
    return rule === undefined ? [] : [rule.problem];
  });
}

/** Splits a list at its commas, except those within parentheses. */
function splitList(list: string): string[] {
  const elements = [""];
  let depth = 0;
  for (const character of list) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (character === "," && depth === 0) elements.push("");
    else elements.push(`${elements.pop()}${character}`);
  }
  return elements.map((element) => element.trim());
}

function indexProblems(text: string, ahead: ReadonlySet<string>): string[] {
  const index = /^create index (?!concurrently )(if not exists )?(.*)$/.exec(text);
  if (index === null) return [];
  const [, optional, rest = ""] = index;
  if (optional !== undefined && ahead.has(rest)) return [];
  return [
    "blocks writers while it builds: `create index if not exists`, after the same statement in a line `-- ahead: …`",
  ];
}

/** The rest of `create index concurrently if not exists` in the lines that must be run ahead. */
function statementsAhead(sql: string): ReadonlySet<string> {
  const lines = [...sql.matchAll(/^--[ \t]*ahead:(.*)$/gm)].flatMap(([, text = ""]) => splitStatements(text));
  return new Set(
    lines.flatMap(({ text }) => /^create index concurrently if not exists (.*)$/.exec(text)?.slice(1) ?? []),
  );
}

function stopBreaches(sql: string, stop: RegExpExecArray, version: string): Breach[] {
  const line = lineOf(sql, stop);
  const before = /^before (\d+\.\d+\.\d+)$/.exec((stop[1] ?? "").trim())?.[1];
  if (before === undefined) return [{ line, problem: "a stop step reads `-- stop: before 1.2.3`" }];
  if (!isOlder(version, before)) return [];
  return [
    {
      line,
      problem: `a stop step must not wait for a version that is still to come: ${version} is older than ${before}`,
    },
  ];
}

function lineOf(sql: string, { index }: RegExpExecArray): number {
  return sql.slice(0, index).split("\n").length;
}

function contractBreaches(sql: string, contract: RegExpExecArray, version: string): Breach[] {
  const line = lineOf(sql, contract);
  const after = /^after (\d+\.\d+\.\d+)$/.exec((contract[1] ?? "").trim())?.[1];
  if (after === undefined) return [{ line, problem: "a contract step reads `-- contract: after 1.2.3`" }];
  if (isOlder(after, version)) return [];
  return [
    { line, problem: `a contract step must follow a version that is out: ${after} is not older than ${version}` },
  ];
}

function isOlder(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => text.split(".").map(Number));
  for (const part of [0, 1, 2]) {
    const difference = (first?.[part] ?? 0) - (second?.[part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function changedBy(text: string): string | undefined {
  return CHANGED.flatMap((pattern) => nameAfter(text, pattern))[0];
}

function nameAfter(text: string, pattern: RegExp): string[] {
  const name = pattern.exec(text)?.[1];
  return name === undefined ? [] : [name.replaceAll('"', "").replace(/^public\./, "")];
}

/** Tokens that change how the following text is read. */
const TOKEN = /--[^\n]*|\/\*|\$(\w*)\$|[eE]?'|"|;|\n/g;

/** The statements of an SQL text, without comments and strings. */
function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = [];
  let text = "";
  let line = 1;
  let startLine = 0;
  const take = (piece: string) => {
    if (startLine === 0 && piece.trim() !== "")
      startLine = line + piece.slice(0, piece.search(/\S/)).split("\n").length - 1;
    text += piece;
  };
  const finish = () => {
    const words = text.replaceAll(/\s+/g, " ").replaceAll(/\( /g, "(").trim().toLowerCase();
    if (words !== "") statements.push({ line: startLine, text: words });
    text = "";
    startLine = 0;
  };
  let position = 0;
  while (position < sql.length) {
    TOKEN.lastIndex = position;
    const token = TOKEN.exec(sql);
    take(sql.slice(position, token?.index ?? sql.length));
    if (token === null) break;
    const end = endOf(sql, token);
    const [mark] = token;
    const skipped = sql.slice(token.index, end);
    if (mark === ";") finish();
    else if (mark === '"') take(skipped);
    else if (mark.startsWith("--") || mark === "/*" || mark === "\n") text += " ";
    else take("''");
    line += skipped.split("\n").length - 1;
    position = end;
  }
  finish();
  return statements;
}

/** The end of the comment or string that a token begins. */
function endOf(sql: string, token: RegExpExecArray): number {
  const [mark] = token;
  const from = token.index + mark.length;
  if (mark === "/*") return endOfComment(sql, from);
  if (mark.startsWith("$")) return after(sql, mark, from);
  if (mark === '"') return after(sql, '"', from);
  if (mark.endsWith("'")) return endOfString(sql, from, mark.length > 1);
  return from;
}

function endOfString(sql: string, from: number, escapes: boolean): number {
  for (let position = from; position < sql.length; position += 1) {
    if (escapes && sql[position] === "\\") position += 1;
    else if (sql[position] === "'") {
      if (sql[position + 1] !== "'") return position + 1;
      position += 1;
    }
  }
  return sql.length;
}

/** Comments of this kind may be nested. */
function endOfComment(sql: string, from: number): number {
  let depth = 1;
  for (const mark of sql.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return from + mark.index + 2;
  }
  return sql.length;
}

function after(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found === -1 ? sql.length : found + mark.length;
}
