/**
 * Shares what is costly to make: whoever asks while it is being made gets the same, and so does whoever asks within `ms`
 * milliseconds of its start. A failure is shared only while it is in the making.
 */
export function shared<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let staleAt = 0;
  return () => {
    const now = performance.now();
    if (latest !== undefined && now < staleAt) return latest;
    const made = make();
    latest = made;
    // For as long as it is in the making it is not stale.
    staleAt = Number.POSITIVE_INFINITY;
    const end = (at: number) => () => {
      if (latest === made) staleAt = at;
    };
    made.then(end(now + ms), end(0));
    return made;
  };
}
