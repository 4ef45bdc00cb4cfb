import type { EnumInfo } from "@protobuf-ts/runtime";

/** Number of each name, as the .proto spells it. */
export function enumNumbers([, values, prefix = ""]: EnumInfo): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(values).flatMap(([name, number]) =>
      typeof number === "number" ? [[`${prefix}${name}`, number] as const] : [],
    ),
  );
}

/** Name of each number, as the .proto spells it: the first one where several share a number. */
export function enumNames(info: EnumInfo): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, number] of enumNumbers(info)) {
    if (!names.has(number)) names.set(number, name);
  }
  return names;
}
