/**
 * Waits for all statements of a pipeline, then throws the first error, if any.
 *
 * Waiting for all matters: the connection is free for what follows only when every answer has come.
 */
export async function settleAll(statements: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(statements);
  await Promise.all(statements);
}
