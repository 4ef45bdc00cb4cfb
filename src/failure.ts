import { ConfigError } from "./config.ts";
import { DatabaseStartError } from "./database/index.ts";
import { WorkerStartError } from "./workers/index.ts";

/** Why the service does not start: one line for a mistake that a person can mend; the whole stack for what is ours. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError || error instanceof DatabaseStartError || error instanceof WorkerStartError) {
    return error.message;
  }
  if (error instanceof Error && "code" in error && "port" in error) {
    if (error.code === "EADDRINUSE")
      return `port ${error.port} is in use: stop what listens there, or set PORT or CONSOLE_PORT`;
    if (error.code === "EACCES") return `port ${error.port} needs more rights: set PORT or CONSOLE_PORT above 1023`;
    if (error.code === "EADDRNOTAVAIL") return `HOST is not an address of this machine`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
