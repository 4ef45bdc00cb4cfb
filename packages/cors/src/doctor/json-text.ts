/** A text that is no JSON; the message says why, after "it is not JSON:". */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

/**
 * Reads JSON that may begin with a byte order mark, which some programs on Windows write.
 *
 * @throws JsonError
 */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (text.trim() === "") throw new JsonError("it is empty");
    if (/^[^{[]{0,3}\ufffd/.test(text))
      throw new JsonError("it is compressed, or not in UTF-8: unpack it, or save it as UTF-8");
    throw new JsonError(error instanceof Error ? error.message : String(error));
  }
}
