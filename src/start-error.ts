/** The service can't start until a person changes something. The message tells that person what, without any secret. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** Describes a failure for people: by its message if they can fix it, else with its stack. */
export function describeFailure(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not",
  EISDIR: "it is a directory",
};

/** Says why a file can't be read, in words that fit in parentheses. */
export function describeReadFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return READ_FAILURES[code] ?? code;
}
