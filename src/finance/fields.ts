/** Rules for single fields, wherever they occur; each refusal names the field by its path in the proto. */
import type { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";
import { elementsSent } from "../../packages/twirp/src/index.ts";
import type { Metadata } from "./account.ts";
import { FinanceError, invalidField } from "./errors.ts";
import { fromTimestamp, type Micros } from "./micros.ts";
import { type AccountId, accountId, type TransferId, transferId } from "./values.ts";

/** Pairs of metadata that an account or a transfer may have. */
export const METADATA_PAIRS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;

/** The refusal of one argument, to be thrown. */
export function invalidArgument(argument: string, problem: string): FinanceError {
  return new FinanceError(invalidField(argument, problem));
}

/** An account's id; 0 counts as absent and is refused. */
export function readAccountId(id: bigint, argument: string): AccountId {
  return accountId(readId(id, argument));
}

/** A transfer's id; 0 counts as absent and is refused. */
export function readTransferId(id: bigint, argument: string): TransferId {
  return transferId(readId(id, argument));
}

function readId(id: bigint, argument: string): bigint {
  if (id <= 0n) throw invalidArgument(argument, id === 0n ? "is required" : `must be more than 0, not ${id}`);
  return id;
}

/** A time, to the microsecond; undefined when absent. */
export function readTime(timestamp: Timestamp | undefined, argument: string): Micros | undefined {
  if (timestamp === undefined) return undefined;
  const time = fromTimestamp(timestamp);
  if (time === undefined) throw invalidArgument(argument, "must lie within the years 1 to 9999");
  return time;
}

/**
 * A bound in time, to the microsecond: what is recorded at or after the bound, or before it, is so by the next whole
 * microsecond as well.
 */
export function readBound(timestamp: Timestamp | undefined, argument: string): Micros | undefined {
  const time = readTime(timestamp, argument);
  return time !== undefined && timestamp !== undefined && timestamp.nanos % 1000 > 0 ? time + 1n : time;
}

/** Text of a length in characters that PostgreSQL can hold. */
export function readText(text: string, argument: string, lengthMin: number, lengthMax: number): string {
  if (text.length < lengthMin) throw invalidArgument(argument, "is required");
  const length = text.length > lengthMax ? charactersOf(text) : text.length;
  if (length > lengthMax) throw invalidArgument(argument, `must have at most ${lengthMax} characters, not ${length}`);
  if (text.includes("\u0000")) throw invalidArgument(argument, "must not hold the character U+0000");
  return text;
}

/** How many code points a text has, which is how PostgreSQL counts characters. */
function charactersOf(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const isSecondHalf = (text.charCodeAt(index) & 0xfc00) === 0xdc00;
    if (!isSecondHalf) length += 1;
  }
  return length;
}

/** As {@link readText}, for what people read: nothing in it that moves the cursor or turns the direction of writing. */
export function readPrintableText(text: string, argument: string, lengthMin: number, lengthMax: number): string {
  readText(text, argument, lengthMin, lengthMax);
  const found = UNPRINTABLE.exec(text);
  if (found === null) return text;
  const position = charactersOf(text.slice(0, found.index)) + 1;
  const code = found[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  const kind = /\p{Bidi_Control}/u.test(found[0]) ? "bidirectional formatting" : "control";
  throw invalidArgument(argument, `must not hold ${kind} characters; character ${position} is U+${code}`);
}

/** https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Pairs of text; where they are merged an empty value is allowed and removes its pair. */
export function readMetadata(metadata: Record<string, string>, path: string, valueLengthMin: 0 | 1): Metadata {
  const pairs = elementsSent(metadata);
  if (pairs > METADATA_PAIRS_MAX) {
    throw invalidArgument(path, `must have at most ${METADATA_PAIRS_MAX} pairs, not ${pairs}`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "") throw invalidArgument(path, "must not have an empty key");
    readText(key, path, 1, METADATA_KEY_LENGTH_MAX);
    readText(value, `${path}.${key}`, valueLengthMin, METADATA_VALUE_LENGTH_MAX);
  }
  return metadata;
}

/** Text of the caller's, cut to a length fit for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}...` : text);
}
