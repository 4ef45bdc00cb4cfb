import { configDefaults, defineConfig } from "vitest/config";
import { hasChromium } from "./test/setup/chromium.ts";

/** Tests that drive a real browser. CI must have one. */
const browserTests = [
  "test/browser/**",
  "test/cors/doctor/chromium.test.ts",
  "test/cors/doctor/random-servers.test.ts",
];
const skipped = process.env["CI"] || (await hasChromium()) ? [] : browserTests;
if (skipped.length > 0) {
  process.stderr.write(
    `No Chromium runs here: leaving out ${skipped.join(" and ")}. Set CHROME_PATH to have them run.\n`,
  );
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...skipped],
    globalSetup: ["test/setup/postgres.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
