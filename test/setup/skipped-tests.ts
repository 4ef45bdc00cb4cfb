import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Ends a run with the tests that were skipped: the name of each group says what it needs. */
export class SkippedTests implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // With -t, every other test counts as skipped.
    if (this.#vitest?.config.testNamePattern !== undefined) return;
    const lines = modules.flatMap((module) => {
      const groups = [...module.children.allTests("skipped")].map(({ parent, name }) =>
        parent.type === "suite" ? parent.fullName : name,
      );
      return [...new Set(groups)].map((group) => `  ${module.relativeModuleId}: ${group}`);
    });
    if (lines.length > 0) process.stdout.write(`\nSkipped here:\n${lines.join("\n")}\n`);
  }
}
