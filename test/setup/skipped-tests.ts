import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with the tests that were skipped: the name of each group says what it needs. */
export class SkippedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => {
      const groups = [...module.children.allTests("skipped")].map(({ parent, name }) =>
        parent.type === "suite" ? parent.fullName : name,
      );
      return [...new Set(groups)].map((group) => `  ${module.relativeModuleId}: ${group}`);
    });
    if (lines.length > 0) process.stdout.write(`\nSkipped here:\n${lines.join("\n")}\n`);
  }
}
