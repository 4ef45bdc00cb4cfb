/**
 * Whether JSON says what ts-proto read from it. Its readers take what they find: an object where a string belongs becomes
 * "[object Object]", 1 becomes true, a list that is none becomes empty, another service's reply becomes a message of zeros.
 *
 * The message's own values tell which JSON they may come from. Members that the message does not have are passed over, since
 * a newer service may send them.
 */
export function agrees(json: unknown, value: unknown): boolean {
  // Left out: the zero value, or an empty list or map.
  if (json === undefined || json === null) return !value || typeof value === "object";
  switch (typeof value) {
    case "bigint":
      return typeof json === "string" ? /^-?\d+$/.test(json) && isInt64(value) : Number.isSafeInteger(json);
    case "number":
      // An enum that is written by its name is a number here.
      return (typeof json === "string" || typeof json === "number") && Number.isInteger(value);
    case "object":
      break;
    default:
      return typeof json === typeof value;
  }
  if (value instanceof Date) return typeof json === "string" && !Number.isNaN(value.getTime());
  if (Array.isArray(value))
    return (
      Array.isArray(json) && json.length === value.length && value.every((item, index) => agrees(json[index], item))
    );
  return value !== null && typeof json === "object" && !Array.isArray(json) && membersAgree(json, value);
}

export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function membersAgree(json: object, message: object): boolean {
  let isKnown = Object.keys(json).length === 0;
  for (const [name, value] of Object.entries(message)) {
    // A oneof is a member here, while its JSON stands beside the others.
    const [field, content]: [string, unknown] =
      value && Object.hasOwn(value, "$case") ? [value.$case, value[value.$case]] : [name, value];
    const member: unknown =
      Reflect.get(json, field) ??
      Reflect.get(
        json,
        field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      );
    if (member !== undefined) isKnown = true;
    if (!agrees(member, content)) return false;
  }
  return isKnown;
}
