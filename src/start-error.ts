/** The service can't start until a person changes something. The message tells that person what, without any secret. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** Describes a failure for people: by its message if they can fix it, else with its stack. */
export function describeFailure(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
