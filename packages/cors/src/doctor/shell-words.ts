/** Splits a pasted command into words, as the shell of its dialect would, but runs and expands nothing. */

/** A command that cannot be read; the message says why. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

export interface ShellWords {
  readonly words: readonly string[];
  /** Whether a shell would replace a variable or the output of a command, which stays as it is here. */
  readonly hasExpansion: boolean;
}

/** @throws CommandError for an unfinished quote, and for anything but one command. */
export function splitWords(text: string): ShellWords {
  const command = text.replace(/\r\n/g, "\n").replace(/^\s*[$>%]\s+/, "");
  // Chrome and Firefox escape every quote for cmd.exe, and end its lines with a caret.
  if (/\^"|\^[ \t]*\n/.test(command)) return splitForCmd(command);
  return /`[ \t]*\n/.test(command) ? splitForPowerShell(command) : splitForPosix(command);
}

/** The word that is being read; null between words. */
class Words {
  readonly done: string[] = [];
  #word: string | null = null;

  get isBetween(): boolean {
    return this.#word === null;
  }

  add(text: string): void {
    this.#word = (this.#word ?? "") + text;
  }

  end(): void {
    if (this.#word !== null) this.done.push(this.#word);
    this.#word = null;
  }
}

const operatorAdvice: Readonly<Record<string, string>> = {
  "&": "quote the URL if it is a part of it",
  "|": "leave out the rest of the line",
  ";": "leave out the rest of the line",
  ">": "leave out the rest of the line",
  "<": "leave out the rest of the line",
  "(": "quote it if it is a part of a value",
  ")": "quote it if it is a part of a value",
};

function refuseOperator(operator: string): never {
  const advice = operatorAdvice[operator] ?? "";
  throw new CommandError(
    `a shell would end the command at the unquoted ${operator}, and only one command is read: ${advice}`,
  );
}

function unfinished(quote: string): never {
  throw new CommandError(`the quote ${quote} is not closed: paste the whole command`);
}

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02, with the $'...' of bash. */
function splitForPosix(text: string): ShellWords {
  const words = new Words();
  let hasExpansion = false;
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    const rest = text.slice(at, at + 2);
    if (rest === "\\\n") at += 2;
    else if (/\s/.test(character)) {
      words.end();
      at += 1;
    } else if (character === "\\") {
      words.add(text.charAt(at + 1));
      at += 2;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) unfinished("'");
      words.add(text.slice(at + 1, end));
      at = end + 1;
    } else if (rest === "$'") {
      const end = endOfAnsiC(text, at + 2);
      words.add(readAnsiC(text.slice(at + 2, end)));
      at = end + 1;
    } else if (character === '"') {
      const end = endOfDoubleQuotes(text, at + 1);
      const inner = text.slice(at + 1, end);
      hasExpansion ||= expands(inner);
      words.add(inner.replace(/\\\n/g, "").replace(/\\(["\\$`])/g, "$1"));
      at = end + 1;
    } else if (rest === "$(") {
      const end = text.indexOf(")", at);
      words.add(text.slice(at, end < 0 ? text.length : end + 1));
      hasExpansion = true;
      at = end < 0 ? text.length : end + 1;
    } else if (operatorAdvice[character] !== undefined) {
      refuseOperator(character);
    } else if (/[‘’“”]/.test(character) && words.isBetween) {
      throw new CommandError(`a chat or an editor has changed the quotes to ${character}: write ' around each value`);
    } else {
      hasExpansion ||= expands(text.slice(at, at + 2));
      words.add(character);
      at += 1;
    }
  }
  words.end();
  return { words: words.done, hasExpansion };
}

function expands(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*(?:\$[\w({]|`)/.test(text);
}

function endOfDoubleQuotes(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) === "\\") at += 1;
    else if (text.charAt(at) === '"') return at;
  }
  return unfinished('"');
}

function endOfAnsiC(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) === "\\") at += 1;
    else if (text.charAt(at) === "'") return at;
  }
  return unfinished("$'");
}

const ansiC: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", e: "\x1b", E: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  ...{ "\\": "\\", "'": "'", '"': '"', "?": "?" },
};

/** https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html */
function readAnsiC(text: string): string {
  const escaped = /((?:\\x[\da-fA-F]{1,2})+)|\\u([\da-fA-F]{1,4})|\\U([\da-fA-F]{1,8})|\\([0-7]{1,3})|\\(.)/gs;
  return text.replace(
    escaped,
    (whole, bytes?: string, short?: string, long?: string, octal?: string, letter?: string) => {
      if (bytes !== undefined) return readBytes(bytes);
      const hex = short ?? long;
      if (hex !== undefined) return readCodePoint(Number.parseInt(hex, 16), whole);
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return ansiC[letter ?? ""] ?? whole;
    },
  );
}

/** Bash writes bytes, and Firefox means characters: only valid UTF-8 is read as bytes. */
function readBytes(text: string): string {
  const bytes = Uint8Array.from(text.split("\\x").slice(1), (hex) => Number.parseInt(hex, 16));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return String.fromCharCode(...bytes);
  }
}

function readCodePoint(code: number, otherwise: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}

/**
 * cmd.exe removes carets first, then the program splits what is left:
 * https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
 */
function splitForCmd(text: string): ShellWords {
  const line = removeCarets(text);
  const words = new Words();
  let quoted = false;
  let at = 0;
  while (at < line.length) {
    const slashes = /^\\*/.exec(line.slice(at, at + 1000))?.[0].length ?? 0;
    const isQuote = line.charAt(at + slashes) === '"';
    if (slashes > 0) {
      words.add("\\".repeat(isQuote ? Math.floor(slashes / 2) : slashes));
      if (isQuote && slashes % 2 === 1) words.add('"');
      at += slashes + (isQuote && slashes % 2 === 1 ? 1 : 0);
    } else if (isQuote) {
      const isDoubled = quoted && line.charAt(at + 1) === '"';
      words.add(isDoubled ? '"' : "");
      if (!isDoubled) quoted = !quoted;
      at += isDoubled ? 2 : 1;
    } else {
      const character = line.charAt(at);
      if (!quoted && /\s/.test(character)) words.end();
      else words.add(character);
      at += 1;
    }
  }
  if (quoted) unfinished('"');
  words.end();
  return { words: words.done, hasExpansion: /%\w+%/.test(line) };
}

/** A caret makes the next character literal, and continues the line before a line feed. */
function removeCarets(text: string): string {
  let line = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "^" && !quoted) {
      const continues = /^[ \t]*\n/.exec(text.slice(at + 1, at + 100))?.[0].length;
      at += continues ?? 0;
      const next = text.charAt(at + 1);
      if (continues === undefined || next === "\n") {
        line += next;
        at += 1;
      }
    } else if (!quoted && /[&|<>]/.test(character)) {
      refuseOperator(character);
    } else {
      if (character === '"') quoted = !quoted;
      line += character;
    }
  }
  return line;
}

/** https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_quoting_rules */
function splitForPowerShell(text: string): ShellWords {
  const words = new Words();
  let hasExpansion = false;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "`" && quote !== "'") {
      const continues = /^[ \t]*\n/.exec(text.slice(at + 1, at + 100))?.[0].length;
      if (continues === undefined) words.add(text.charAt(at + 1));
      at += continues ?? 1;
    } else if (character === quote) {
      const isDoubled = text.charAt(at + 1) === quote;
      if (isDoubled) {
        words.add(quote);
        at += 1;
      } else quote = "";
    } else if (quote === "" && (character === "'" || character === '"')) {
      quote = character;
      words.add("");
    } else if (quote === "" && /\s/.test(character)) words.end();
    else if (quote === "" && /[|;<>&]/.test(character)) refuseOperator(character);
    else {
      hasExpansion ||= quote !== "'" && /^\$[\w({]/.test(text.slice(at, at + 2));
      words.add(character);
    }
  }
  if (quote !== "") unfinished(quote);
  words.end();
  return { words: words.done, hasExpansion };
}
