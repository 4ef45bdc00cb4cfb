import { ConfigError } from "../config/config.ts";
import { DatabaseStartError } from "../database/index.ts";
import { TracingStartError } from "../plugins/index.ts";
import { WorkerStartError } from "../workers/index.ts";
import { ListenError } from "./listening.ts";

/** Failures that a person can fix, each told in one line. */
const KNOWN = [ConfigError, DatabaseStartError, ListenError, TracingStartError, WorkerStartError];

/** Why the service does not start: one line for what a person can fix; the whole stack for what is ours. */
export function describeFailure(error: unknown): string {
  if (KNOWN.some((known) => error instanceof known) && error instanceof Error) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
