import { readFile } from "node:fs/promises";

const read = async (name: string) => await readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** The guides that have code samples. */
export const guide = `${await read("client.md")}${await read("events.md")}`;

/** Their code samples by the names of their files. */
export const samples: ReadonlyMap<string, string> = new Map(
  [...guide.matchAll(/^```tsx?\n\/\/ (\S+)\n(.*?)^```/gms)].map(([, name = "", code = ""]) => [name, code]),
);
