import type { Pool } from "pg";
import { DatabaseAwayError, PoolExhaustedError } from "./connection-errors.ts";
import { pendingMigrations } from "./migrations.ts";

/** Whoever asks whether the service is ready has little patience. */
const ANSWER_MS_MAX = 1000;

/**
 * What keeps the database from taking postings now, in a few words that tell no address, user or password.
 *
 * @param directory the folder of the migrations.
 * @returns undefined when nothing does; an answer within about a second in any case.
 */
export async function findObstacle(pool: Pool, directory: string): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ANSWER_MS_MAX, `the database gave no answer in ${ANSWER_MS_MAX} ms`);
  });
  try {
    return await Promise.race([silence, ask(pool, directory)]);
  } catch (error) {
    if (error instanceof DatabaseAwayError) return error.message;
    return error instanceof PoolExhaustedError
      ? "all database connections are in use"
      : "the database can't be reached";
  } finally {
    clearTimeout(timer);
  }
}

async function ask(pool: Pool, directory: string): Promise<string | undefined> {
  const missing = await pendingMigrations(pool, directory);
  if (missing.length > 0) return `migrations are missing: ${missing.join(", ")}`;
  const { rows } = await pool.query<{ transaction_read_only: string }>("show transaction_read_only");
  return rows[0]?.transaction_read_only === "on" ? "the database takes no writes" : undefined;
}
