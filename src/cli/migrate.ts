/** `npm run migrate`: applies the migrations to DATABASE_URL. */
import { checkDatabase, DatabaseStartError, migrate, migrationsDirectory } from "../database/index.ts";

process.exitCode = await run(process.env["DATABASE_URL"]);

/** @returns the exit code. */
async function run(connectionString: string | undefined): Promise<number> {
  if (connectionString === undefined || connectionString === "") {
    console.error("npm run migrate needs DATABASE_URL; the embedded PostgreSQL is migrated when the server starts");
    return 1;
  }
  try {
    await checkDatabase(connectionString);
    const applied = await migrate({ connectionString, directory: await migrationsDirectory() });
    console.log(applied.length === 0 ? "up to date" : applied.map((name) => `applied ${name}`).join("\n"));
    return 0;
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    console.error(
      error instanceof DatabaseStartError ? reason : `the migration failed, nothing was applied: ${reason}`,
    );
    return 1;
  }
}
