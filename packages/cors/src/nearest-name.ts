import { editDistance } from "./edit-distance.ts";

/**
 * Finds the known names that a name was probably meant to be: those that it misspells, or else those that hold all its
 * words, begun alike and in this order, as CORS_ALLOWED_ORIGINS does for CORS_ORIGIN, and --minutes for --min.
 */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const misspelt = misspeltNames(name, known, name.length < 6 ? 1 : 2);
  if (misspelt.length > 0) return misspelt;
  const words = wordsOf(name);
  return known.filter((candidate) => holdsWords(wordsOf(candidate), words));
}

/** The known names from which a name differs by `slipsMax` typing errors at most, one or two: the nearest alone. */
export function misspeltNames(name: string, known: readonly string[], slipsMax: number): string[] {
  const distances = known.map((candidate) => editDistance(name, candidate));
  const least = Math.min(...distances);
  return least <= slipsMax ? known.filter((_, index) => distances[index] === least) : [];
}

/** "; did you mean A?" or "; did you mean A or B?"; empty when there is nothing to suggest. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? "" : `; did you mean ${names.join(" or ")}?`;
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
