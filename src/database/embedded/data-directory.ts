import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "../connection-errors.ts";

/**
 * Makes a directory and those above it that are missing.
 *
 * Not by `recursive: true`, which never returns below a directory like /proc that exists and lets nothing be made in it.
 */
export async function makeDirectory(path: string): Promise<void> {
  const failure = await tryMake(path);
  if (failure === undefined) return;
  const parent = dirname(path);
  if (errorCode(failure) !== "ENOENT" || parent === path) throw failure;
  await makeDirectory(parent);
  const again = await tryMake(path);
  if (again !== undefined) throw again;
}

/** @returns the error, unless the directory is there now. */
async function tryMake(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return error;
    // A file may have the name; a directory can be made again with `recursive`, which then only looks.
    return await mkdir(path, { recursive: true }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
  }
}
