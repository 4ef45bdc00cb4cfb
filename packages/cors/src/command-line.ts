/**
 * Reads the command lines of all our commands, with the same messages for the same mistakes. It is part of this package
 * because the doctor can be installed without the service.
 */

import { type ParseArgsConfig, parseArgs } from "node:util";
import { editDistance } from "./names.ts";

/**
 * Finds the known names that were probably meant: those that the name misspells, or else those whose words begin with its
 * words in the same order, such as CORS_ALLOWED_ORIGINS for CORS_ORIGIN and --minutes for --min.
 */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const misspelt = misspeltNames(name, known, name.length < 6 ? 1 : 2);
  if (misspelt.length > 0) return misspelt;
  const words = wordsOf(name);
  return known.filter((candidate) => holdsWords(wordsOf(candidate), words));
}

/** The nearest known names, if they differ by at most `slipsMax` (1 or 2) typing errors. */
export function misspeltNames(name: string, known: readonly string[], slipsMax: number): string[] {
  const distances = known.map((candidate) => editDistance(name, candidate));
  const least = Math.min(...distances);
  return least <= slipsMax ? known.filter((_, index) => distances[index] === least) : [];
}

/** "; did you mean A?" or "; did you mean A or B?"; empty when there is nothing to suggest. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? "" : `; did you mean ${names.join(" or ")}?`;
}

/** The message for an unknown variable, with the names that were probably meant. */
export function describeUnknownVariable(name: string, known: readonly string[]): string {
  return `${name}: there is no such variable${didYouMean(nearestNames(name, known)) || siblingsOf(name, known)}`;
}

function siblingsOf(name: string, known: readonly string[]): string {
  const [prefix] = name.split("_");
  const siblings = known.filter((candidate) => candidate.startsWith(`${prefix}_`));
  return siblings.length === 1 ? didYouMean(siblings) : `; there are ${siblings.join(", ")}`;
}

function wordsOf(name: string): string[] {
  return name.split(/[_-]+/).filter((word) => word !== "");
}

function holdsWords(candidate: readonly string[], words: readonly string[]): boolean {
  let next = 0;
  for (const word of candidate) {
    const wanted = words[next];
    if (wanted !== undefined && word.startsWith(wanted)) next += 1;
  }
  return next === words.length && words.length > 0;
}

/** Bad usage; the message is for people, without the help text. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const BAD_USAGE = 2;

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What `parseArgs` returns for these options. */
type CommandLine<Known extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Known; allowPositionals: true; strict: true }>
>;

interface CommandLineSettings<Known extends Options> {
  /** As `parseArgs` takes them; --help and -h are always known. */
  readonly options: Known;
  /** Whether words that are not options are allowed. Default: false. */
  readonly positionals?: boolean;
}

interface Command<Known extends Options> extends CommandLineSettings<Known> {
  /** Its first paragraph says how to call the command. */
  readonly help: string;
  /** @returns the exit status. */
  run(commandLine: CommandLine<Known>): number | Promise<number>;
}

/**
 * Runs a command, prints its help, or reports what is wrong with the arguments.
 *
 * @returns the exit status: 0 for help, 2 for bad usage, which `run` may also report by a {@link UsageError}.
 */
export async function runCommand<const Known extends Options>(
  args: readonly string[],
  command: Command<Known>,
): Promise<number> {
  try {
    const read = readCommandLine(args, command);
    if (read !== "help") return await command.run(read);
    process.stdout.write(`${command.help}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(describeMisuse(error, command.help));
    return BAD_USAGE;
  }
}

/**
 * Reads a command line. --help takes precedence over everything else.
 *
 * @throws UsageError for an unknown option, an option without its value, or an unexpected word.
 */
export function readCommandLine<const Known extends Options>(
  args: readonly string[],
  { options, positionals = false }: CommandLineSettings<Known>,
): CommandLine<Known> | "help" {
  const known: Options = { ...options, help: { type: "boolean", short: "h" } };
  const { tokens } = parseArgs({
    args: [...args],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) return "help";
  const checked = tokens.flatMap((token) => {
    if (token.kind === "option-terminator") return [];
    if (token.kind === "option") return [checkOption(token, known)];
    if (!positionals) throw new UsageError(`${JSON.stringify(token.value)} is not expected here`);
    return [];
  });
  const words = tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
  return parseArgs({ args: [...checked, "--", ...words], options, allowPositionals: true });
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** @returns the option as one word, so that a value that begins with a dash is not read as an option. */
function checkOption({ name, rawName, value, inlineValue }: OptionToken, known: Options): string {
  const type = Object.hasOwn(known, name) ? known[name]?.type : undefined;
  if (type === undefined) {
    const near = nearestNames(name, Object.keys(known)).map((candidate) => `--${candidate}`);
    throw new UsageError(`there is no option ${rawName}${didYouMean(near)}`);
  }
  if (type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return `--${name}`;
  }
  // The next option follows immediately: the value was forgotten.
  const isOption = inlineValue !== true && value?.startsWith("--") === true;
  if (value === undefined || isOption) throw new UsageError(`${rawName} needs a value`);
  return `--${name}=${value}`;
}

/** The mistake, how to call the command, and where to read more: short enough to fit on a screen. */
export function describeMisuse(error: UsageError, help: string): string {
  const [called = ""] = help.split("\n\n");
  return `${error.message}\n\n${called}\n\nRun it with --help for all options.\n`;
}
