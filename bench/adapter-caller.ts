/** The page that calls in the adapter's suite, and who signs its token. */
export const BENCH_ORIGIN = "https://app.example.com";
export const BENCH_SECRET = "a secret for measurements, 32 bytes or more";
