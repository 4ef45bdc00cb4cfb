import { readFile } from "node:fs/promises";

export const guide = await readFile(new URL("../../docs/client.md", import.meta.url), "utf8");

/** The code samples of docs/client.md by the names of their files. */
export const samples: ReadonlyMap<string, string> = new Map(
  [...guide.matchAll(/^```tsx?\n\/\/ (\S+)\n(.*?)^```/gms)].map(([, name = "", code = ""]) => [name, code]),
);
