import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { readLedgerConfig } from "../config/config.ts";
import { checkDatabase, DatabaseStartError, grantApplicationRole, migrate } from "../database/index.ts";
import { migrationsDirectory } from "../package-files.ts";
import { StartError } from "../start-error.ts";

const HELP = `usage: npm run migrate [-- --app-role ROLE]

Applies the migrations to DATABASE_URL. Its user then owns the tables. --app-role grants another role the rights that the
service needs: the role can post, but can't change posted transfers.

Exit status: 0 if all are applied, 1 if the migration failed, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: { "app-role": { type: "string" } },
  run: ({ values }) => run(values["app-role"]),
});

async function run(role: string | undefined): Promise<number> {
  try {
    const { databaseUrl: connectionString } = readLedgerConfig(process.env);
    if (connectionString === undefined) {
      throw new DatabaseStartError(
        "npm run migrate needs DATABASE_URL; the embedded PostgreSQL is migrated when the service starts",
      );
    }
    await checkDatabase(connectionString);
    const directory = migrationsDirectory();
    const applied = await migrate({ connectionString, directory }).catch((error: unknown) => {
      throw error instanceof DatabaseStartError ? error : new Error(`nothing was applied: ${firstLine(error)}`);
    });
    console.log(applied.length === 0 ? "up to date" : applied.map((name) => `applied ${name}`).join("\n"));
    if (role !== undefined) {
      await grantApplicationRole({ connectionString, directory, role });
      console.log(`granted ${role} the rights that the service needs`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof StartError ? error.message : `the migration failed, ${firstLine(error)}`);
    return 1;
  }
}

function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line;
}
