/** `npm run migrate`: applies the migrations to DATABASE_URL, and lets another role work with what they made. */
import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import {
  checkDatabase,
  DatabaseStartError,
  grantApplicationRole,
  migrate,
  migrationsDirectory,
} from "../database/index.ts";

const HELP = `usage: npm run migrate [-- --app-role ROLE]

Applies the migrations to DATABASE_URL, whose user then owns the tables. With --app-role, that role gets what the service
needs to run as it: it can post, and can't change what is posted.

Exit status: 0 when all are applied, 1 when the migration failed, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: { "app-role": { type: "string" } },
  run: ({ values }) => run(process.env["DATABASE_URL"], values["app-role"]),
});

async function run(connectionString: string | undefined, role: string | undefined): Promise<number> {
  if (connectionString === undefined || connectionString === "") {
    console.error("npm run migrate needs DATABASE_URL; the embedded PostgreSQL is migrated when the server starts");
    return 1;
  }
  try {
    await checkDatabase(connectionString);
    const directory = await migrationsDirectory();
    const applied = await migrate({ connectionString, directory }).catch((error: unknown) => {
      throw error instanceof DatabaseStartError ? error : new Error(`nothing was applied: ${firstLine(error)}`);
    });
    console.log(applied.length === 0 ? "up to date" : applied.map((name) => `applied ${name}`).join("\n"));
    if (role !== undefined) {
      await grantApplicationRole({ connectionString, directory, role });
      console.log(`granted to ${role} what the service needs`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof DatabaseStartError ? error.message : `the migration failed, ${firstLine(error)}`);
    return 1;
  }
}

function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line;
}
