/** Metadata as a form holds it: rows of a key and a value. The limits are those of the API. */

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** Problems of one row, for its two fields. */
export type PairProblems = Partial<Record<keyof Pair, string>>;

export const PAIRS_MAX = 50;
export const KEY_LENGTH_MAX = 40;
export const VALUE_LENGTH_MAX = 500;

export function pairsOf(metadata: Readonly<Record<string, string>>): readonly Pair[] {
  return Object.entries(metadata).map(([key, value]) => ({ key, value }));
}

/** The problems of each row. An empty row has none, because it is ignored. */
export function problemsOfPairs(pairs: readonly Pair[]): readonly PairProblems[] {
  return pairs.map(({ key, value }, index) => {
    if (key === "" && value === "") return {};
    if (key === "") return { key: "Enter a key." };
    if (pairs.slice(0, index).some((earlier) => earlier.key === key)) return { key: "This key is already used above." };
    return value === "" ? { value: "Enter a value, or remove the pair." } : {};
  });
}

/** The metadata in the rows; undefined if a row has a problem. */
export function readPairs(pairs: readonly Pair[]): Record<string, string> | undefined {
  if (problemsOfPairs(pairs).some((problems) => Object.keys(problems).length > 0)) return undefined;
  return Object.fromEntries(pairs.filter(({ key }) => key !== "").map(({ key, value }) => [key, value]));
}
