import { LongType } from "@protobuf-ts/runtime";

/** The fields of a message by the names that the generated code uses. */
export type MessageFields = Record<string, unknown>;

/** Whether a value may be looked at as a message. */
export function isFields(value: unknown): value is MessageFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A 64-bit integer in the form that the generated code wants. Throws when that form cannot hold it. */
export function longOf(value: bigint, form: LongType | undefined): bigint | string | number {
  if (form === LongType.BIGINT) return value;
  if (form !== LongType.NUMBER) return value.toString();
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond what this server's numbers hold exactly`);
  return number;
}
