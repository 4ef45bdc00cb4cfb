import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg, { type Pool } from "pg";
import { connectTo } from "./connection.ts";
import { DatabaseStartError, readTarget } from "./errors.ts";

const GRANTS = "application-role.sql";

/** The placeholder of the role's name in the SQL, in psql's syntax. */
const ROLE = /:"role"/g;

/** How {@link grantApplicationRole} runs. */
export interface GrantOptions {
  /** A PostgreSQL URL whose user owns the tables. */
  readonly connectionString: string;
  /** The folder of the migrations, which contains the grants too. */
  readonly directory: string;
  /** An existing role. */
  readonly role: string;
}

/**
 * Grants a role the rights that the service needs, and none that could change posted transfers.
 *
 * @throws DatabaseStartError if there is no such role, or it owns the tables or is a superuser and so needs no rights; else
 * the database's error.
 */
export async function grantApplicationRole({ connectionString, directory, role }: GrantOptions): Promise<void> {
  const sql = await readFile(join(directory, GRANTS), "utf8");
  const { client } = await connectTo(readTarget(connectionString), { applicationName: "finance-service migrate" });
  try {
    const { rows } = await client.query<{ rules: boolean }>(
      `select rolsuper or pg_has_role(oid, (select relowner from pg_class where oid = 'transfer'::regclass), 'member') as rules
         from pg_roles
        where rolname = $1`,
      [role],
    );
    const quoted = pg.escapeIdentifier(role);
    const [found] = rows;
    if (found === undefined) {
      throw new DatabaseStartError(`there is no role ${quoted}; first: create role ${quoted} login password '...'`);
    }
    if (found.rules) {
      throw new DatabaseStartError(
        `role ${quoted} owns the tables or is a superuser, so it could change posted transfers; name another role`,
      );
    }
    await client.query(`begin; ${sql.replaceAll(ROLE, () => quoted)}; commit`);
  } finally {
    await client.end();
  }
}

/** Whether the pool's role could change or delete posted transfers. One short query. */
export async function canChangePostings(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ able: boolean }>(
    `select rolsuper
            or has_table_privilege('transfer', 'update, delete, truncate, trigger')
            or has_table_privilege('entry', 'update, delete, truncate, trigger') as able
       from pg_roles
      where rolname = current_user`,
  );
  return rows[0]?.able ?? false;
}
