import { configDefaults, defineConfig } from "vitest/config";
import { chromiumLack } from "./test/setup/chromium.ts";
import { SkippedTests } from "./test/setup/skipped-tests.ts";

/** Tests that drive a real browser. CI must have one. */
const browserTests = [
  "test/browser/**",
  "test/cors/doctor/chromium.test.ts",
  "test/cors/doctor/random-servers.test.ts",
];
const lack = process.env["CI"] ? undefined : await chromiumLack();
const skipped = lack === undefined ? [] : browserTests;
if (skipped.length > 0) {
  process.stderr.write(`Leaving out ${skipped.join(" and ")}: ${lack}.\n`);
}

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...skipped],
    reporters: ["default", new SkippedTests()],
    globalSetup: ["test/setup/postgres.ts"],
    // Vitest would leave one core to its own process, which has little to do.
    maxWorkers: "100%",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
