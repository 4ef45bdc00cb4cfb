import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The request of a case. `{prefix}` stands for the configured prefix. */
export interface CaseRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body_text?: string;
  readonly body_json?: unknown;
  readonly body_hex?: string;
  readonly body_repeat?: {
    readonly prefix: string;
    readonly unit: string;
    readonly count: number;
    readonly suffix: string;
  };
}

/** The setup that a case needs beyond one service under `/twirp`. */
export interface CaseRequires {
  readonly prefix?: string;
  readonly schema?: string;
  readonly services?: readonly string[];
  readonly interceptors?: readonly string[];
  readonly hook?: string;
  readonly option?: string;
  readonly handler?: string;
  readonly client?: string;
  readonly server?: string;
  readonly route?: string;
}

/** One row of the table. */
export interface TwirpCase {
  readonly id: string;
  readonly request: CaseRequest;
  readonly expect: Readonly<Record<string, unknown>>;
  readonly requires?: CaseRequires;
}

/** The table: schemas and cases. */
export interface TwirpTable {
  readonly schema: string;
  readonly extra_schemas: Readonly<Record<string, string>>;
  readonly cases: readonly TwirpCase[];
}

/** Reads the table beside this runner, or the file that TWIRP_CASES names. A table without schemas uses ours. */
export function readTable(): TwirpTable {
  const own = parse(join(process.cwd(), "test", "conformance", "twirp-cases.json"));
  const other = process.env["TWIRP_CASES"];
  if (other === undefined || other === "") return own;
  const table: Partial<TwirpTable> | readonly TwirpCase[] = JSON.parse(readFileSync(other, "utf8"));
  if (isCaseList(table)) return { ...own, cases: table };
  return { ...own, ...table, extra_schemas: { ...own.extra_schemas, ...table.extra_schemas } };
}

/** The bytes of a case's request body. */
export function bodyOf(request: CaseRequest): Buffer {
  if (request.body_text !== undefined) return Buffer.from(request.body_text);
  if (request.body_json !== undefined) return Buffer.from(JSON.stringify(request.body_json));
  if (request.body_hex !== undefined) return Buffer.from(request.body_hex, "hex");
  const repeat = request.body_repeat;
  if (repeat === undefined) return Buffer.alloc(0);
  return Buffer.from(repeat.prefix + repeat.unit.repeat(repeat.count) + repeat.suffix);
}

/** A value with `{prefix}` replaced in all its strings. */
export function withPrefix<Value>(value: Value, prefix: string): Value {
  return JSON.parse(JSON.stringify(value), (_key, member: unknown) =>
    typeof member === "string" ? member.replaceAll("{prefix}", prefix) : member,
  );
}

function parse(path: string): TwirpTable {
  return JSON.parse(readFileSync(path, "utf8"));
}

function isCaseList(table: Partial<TwirpTable> | readonly TwirpCase[]): table is readonly TwirpCase[] {
  return Array.isArray(table);
}
