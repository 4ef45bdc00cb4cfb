import type { Header } from "./header-list.ts";

/** Longer text of strangers is cut. */
const lengthMax = 400;

/** Text that came from a server, made harmless to a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that drive a terminal
  const visible = text.replace(/[\0-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return visible.length <= lengthMax ? visible : `${visible.slice(0, lengthMax)}... (${visible.length} characters)`;
}

/** Headers without secrets, since reports are pasted into tickets: of a token only the scheme is left. */
export function withoutSecrets(headers: readonly Header[]): Header[] {
  return headers.map(([name, value]): Header => {
    const lower = name.toLowerCase();
    if (lower === "authorization" || lower === "proxy-authorization") return [name, `${value.split(" ")[0] ?? ""} ...`];
    return lower === "cookie" || lower === "set-cookie" ? [name, "..."] : [name, value];
  });
}
