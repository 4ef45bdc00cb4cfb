/**
 * The history of accounts' settings. A row of table account_change holds all settings after a change, so what the change
 * changed is the difference from the row before.
 */
import type { ClientBase, Pool } from "pg";
import { AccountStatus, type AccountType } from "../../../generated/server/finance/v1/account.ts";
import { EventType } from "../../../generated/server/finance/v1/event.ts";
import type { Metadata } from "../account.ts";
import type { Page } from "../validation.ts";
import { type AccountId, accountDigits, INT64_MAX, type Micros, type Minor } from "../values.ts";
import { bytesOf, type Columns, columnsOf, type Listed, type PagedRow, pageOf, readPageToken, toPage } from "./page.ts";

/** Who asks for a change. */
export interface Author {
  /** The token's `sub`. */
  readonly subject: string;
  /** The id of the HTTP request, if there is one. */
  readonly requestId?: string;
}

/** One field that a change changed, with its values as text. */
export interface FieldChange {
  readonly accountId: AccountId;
  /** The number of the change along its account. */
  readonly sequence: bigint;
  /** The field's number within the change, from 1. */
  readonly number: bigint;
  readonly field: string;
  readonly before: string;
  readonly after: string;
  readonly changedBy: string | null;
  readonly requestId: string | null;
  readonly changedAt: Micros;
}

/** An account's settings after a change. */
export interface AccountSettings {
  readonly id: AccountId;
  readonly sequence: bigint;
  readonly owner: string;
  readonly type: AccountType;
  readonly currency: string;
  readonly minorUnitDigits: number;
  readonly createdAt: Micros;
  readonly name: string;
  readonly status: AccountStatus;
  readonly overdraftLimit: Minor;
  readonly unlimitedOverdraft: boolean;
  readonly metadata: Metadata;
  readonly changedBy: string | null;
  readonly changedAt: Micros;
}

/**
 * Statement parts for a `with` clause that records the opening of the account in row `opened` of a query named so, which has
 * the columns of account and account_balance, and makes its event.
 *
 * @param author the parameters of the subject and of the request id.
 */
export function recordOpening(author: string): string {
  return recordSettings("opened", "1", author, EventType.ACCOUNT_CREATED);
}

/**
 * Records the settings of an account after a change, and makes the event. The account must be locked and changed before.
 * $1 is the account, $2 the subject, $3 the request id.
 */
export const RECORD_CHANGE = {
  name: "record_account_change",
  text: `
with changed as (
  select a.id, a.name, b.status, b.overdraft_limit, b.unlimited_overdraft, a.metadata, b.updated_at
    from account a
    join account_balance b on b.account_id = a.id
   where a.id = $1::bigint
), ${recordSettings(
    "changed",
    "(select max(sequence) + 1 from account_change where account_id = $1::bigint)",
    "$2::text, $3::text",
    EventType.ACCOUNT_UPDATED,
  )}
select`,
};

function recordSettings(source: string, sequence: string, author: string, type: EventType): string {
  return `recorded as (
  insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata,
                              changed_by, request_id, changed_at)
  select id, ${sequence}, name, status, overdraft_limit, unlimited_overdraft, metadata, ${author}, updated_at
    from ${source}
  returning account_id, sequence
), event as (
  insert into feed (types, subjects, sequences, credit_sequences)
  select array[${type}], array[account_id], array[sequence], array[0]
    from recorded
)`;
}

const STATUS_NAME = Object.entries(AccountStatus)
  .filter(([, value]) => typeof value === "number")
  .map(([name, value]) => `when ${value} then 'ACCOUNT_STATUS_${name}'`)
  .join(" ");

/** The changed fields of change c, whose predecessor is p; a lateral subquery. Only the opening has no predecessor. */
const CHANGED_FIELDS = `(
  select row_number() over (order by rank, field collate "C") as number, field, before, after
    from (select 0 as rank, 'opened' as field, 'false' as before, (p.sequence is null)::text as after
          union all
          select 1, 'name', p.name, c.name
          union all
          select 2, 'status', case p.status ${STATUS_NAME} end, case c.status ${STATUS_NAME} end
          union all
          select 3, 'overdraft_limit', p.overdraft_limit::text, c.overdraft_limit::text
          union all
          select 4, 'unlimited_overdraft', p.unlimited_overdraft::text, c.unlimited_overdraft::text
          union all
          select 5, 'metadata.' || key, coalesce(p.metadata ->> key, ''), coalesce(c.metadata ->> key, '')
            from jsonb_object_keys(p.metadata || c.metadata) key) compared
   where before <> after
) f`;

const SELECT_CHANGED_FIELDS = `
select ${columnsOf({
  accountId: "c.account_id",
  sequence: "c.sequence",
  number: "f.number",
  field: "f.field",
  before: "f.before",
  after: "f.after",
  changedBy: "c.changed_by",
  requestId: "c.request_id",
  changedAt: "c.changed_at",
} satisfies Columns<FieldChange>)}`;

/** @param join `left join` to include the opening. */
function compared(join: "join" | "left join"): string {
  return `
  ${join} account_change p on p.account_id = c.account_id and p.sequence = c.sequence - 1
 cross join lateral ${CHANGED_FIELDS}`;
}

/** Bytes of a row without its texts. */
const ROW_BYTES = 256;

const FIELD_BYTES = bytesOf(ROW_BYTES, "f.field", "f.before", "f.after", "c.changed_by", "c.request_id");

/** The bytes that {@link loadChanges} reads for one change: its settings and its fields; a subquery. */
export function bytesOfChange(account: string, sequence: string): string {
  return `(
  select ((${bytesOf(0, "c.name", "c.metadata::text")})
          + coalesce(sum(${FIELD_BYTES}) filter (where f.field is not null), 0))::integer
    from account_change c
    left join account_change p on p.account_id = c.account_id and p.sequence = c.sequence - 1
    left join lateral ${CHANGED_FIELDS} on true
   where c.account_id = ${account}
     and c.sequence = ${sequence}
   group by c.account_id, c.sequence)`;
}

/** One page of an account's opening and changes, in their order. The caller has checked that the actor may see the account. */
export async function listAccountChanges(
  db: Pool | ClientBase,
  account: AccountId,
  newestFirst: boolean,
  page: Page,
): Promise<Listed<FieldChange>> {
  const filters = [account, newestFirst];
  const [sequence = newestFirst ? INT64_MAX : 0n, number = 0n] = readPageToken(page.token, 2, filters) ?? [];
  const { rows } = await db.query<FieldChange & PagedRow>({
    ...(newestFirst ? LIST_CHANGES_NEWEST_FIRST : LIST_CHANGES),
    values: [account, sequence, page.size + 1, number],
  });
  return toPage(
    rows,
    filters,
    (row) => row,
    (last) => [last.sequence, last.number],
  );
}

const LIST_CHANGES = { name: "list_account_changes", text: changes(">", "asc") };
const LIST_CHANGES_NEWEST_FIRST = { name: "list_account_changes_newest_first", text: changes("<", "desc") };

function changes(after: ">" | "<", order: "asc" | "desc"): string {
  const rows = `${SELECT_CHANGED_FIELDS},
       ${FIELD_BYTES} as row_bytes
  from account_change c${compared("left join")}
 where c.account_id = $1::bigint
   and c.sequence ${after}= $2::bigint
   and (c.sequence, f.number) ${after} ($2::bigint, $4::bigint)
 order by c.sequence ${order}, f.number ${order}
 limit $3::bigint`;
  return pageOf(rows, `r.sequence ${order}, r.number ${order}`, "$3");
}

/** A change, by its account and number. */
export interface ChangeKey {
  readonly accountId: bigint;
  readonly sequence: bigint;
}

/** Settings after changes, and what these changed, by {@link changeKey}. */
export async function loadChanges(
  client: ClientBase,
  keys: readonly ChangeKey[],
): Promise<Map<string, { readonly settings: AccountSettings; readonly changes: readonly FieldChange[] }>> {
  if (keys.length === 0) return new Map();
  const values = [keys.map(({ accountId }) => accountId), keys.map(({ sequence }) => sequence)];
  const [settings, fields] = await Promise.all([
    client.query<Omit<AccountSettings, "minorUnitDigits"> & { readonly minorUnitDigits: number | null }>({
      ...LOAD_SETTINGS,
      values,
    }),
    client.query<FieldChange>({ ...LOAD_CHANGED_FIELDS, values }),
  ]);
  const changes = new Map<string, FieldChange[]>();
  for (const field of fields.rows) {
    const key = changeKey(field.accountId, field.sequence);
    const known = changes.get(key);
    if (known === undefined) changes.set(key, [field]);
    else known.push(field);
  }
  return new Map(
    settings.rows.map((row) => {
      const key = changeKey(row.id, row.sequence);
      const minorUnitDigits = accountDigits(row.minorUnitDigits, row.currency);
      return [key, { settings: { ...row, minorUnitDigits }, changes: changes.get(key) ?? [] }];
    }),
  );
}

export function changeKey(accountId: bigint, sequence: bigint): string {
  return `${accountId}.${sequence}`;
}

const OF_KEYS = "unnest($1::bigint[], $2::bigint[]) as k (account_id, sequence)";

const LOAD_SETTINGS = {
  name: "load_account_settings",
  text: `
select ${columnsOf({
    id: "a.id",
    sequence: "c.sequence",
    owner: "a.owner",
    type: "a.type",
    currency: "a.currency",
    minorUnitDigits: "a.minor_unit_digits",
    createdAt: "a.created_at",
    name: "c.name",
    status: "c.status",
    overdraftLimit: "c.overdraft_limit",
    unlimitedOverdraft: "c.unlimited_overdraft",
    metadata: "c.metadata",
    changedBy: "c.changed_by",
    changedAt: "c.changed_at",
  } satisfies Columns<AccountSettings>)}
  from ${OF_KEYS}
  join account_change c using (account_id, sequence)
  join account a on a.id = c.account_id`,
};

const LOAD_CHANGED_FIELDS = {
  name: "load_changed_fields",
  text: `${SELECT_CHANGED_FIELDS}
  from ${OF_KEYS}
  join account_change c using (account_id, sequence)${compared("join")}
 order by c.account_id, c.sequence, f.number`,
};
