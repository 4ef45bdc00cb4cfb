import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { identifyProcess } from "../../src/database/embedded/lock.ts";

/** What a run has made. */
interface Made {
  /** The run itself. */
  readonly run: number;
  readonly path: string;
  readonly pids: readonly number[];
  /** The file of its network namespace, if it could make one. */
  readonly namespace?: string;
}

/** Starts a run below a shell, as npm does. */
async function startRun(): Promise<Made & { readonly shell: ChildProcess }> {
  const shell = spawn("sh", ["-c", "node --import tsx test/faults/programs/interrupted.ts; true"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(shell.stdout, "data");
  return { shell, ...JSON.parse(line) };
}

async function remainsOf({ run, path, pids, namespace }: Made): Promise<unknown[]> {
  const alive = await Promise.all(
    [run, ...pids].map(async (pid) => ((await identifyProcess(pid)) === undefined ? [] : [pid])),
  );
  return [...alive.flat(), ...[path, namespace].filter((name) => name !== undefined && existsSync(name))];
}

const untilGone = (made: Made) => vi.waitUntil(async () => (await remainsOf(made)).length === 0, { timeout: 20_000 });

const interruptions: Record<string, (made: Awaited<ReturnType<typeof startRun>>) => void> = {
  SIGINT: ({ run }) => process.kill(run, "SIGINT"),
  SIGTERM: ({ run }) => process.kill(run, "SIGTERM"),
  SIGHUP: ({ run }) => process.kill(run, "SIGHUP"),
  "the death of its parent": ({ shell }) => shell.kill("SIGKILL"),
};

test.skipIf(process.platform !== "linux").each(Object.entries(interruptions))(
  "after %s a run removes what it made",
  async (_name, interrupt) => {
    const made = await startRun();
    expect(await remainsOf(made)).toHaveLength(made.pids.length + (made.namespace === undefined ? 2 : 3));
    interrupt(made);
    await untilGone(made);
  },
);

test.skipIf(process.platform !== "linux")(
  "the next run removes what a killed run made, and nothing of a run that is alive",
  async ({ onTestFinished }) => {
    const alive = await startRun();
    onTestFinished(() => void process.kill(alive.run));
    const before = await remainsOf(alive);
    const killed = await startRun();
    process.kill(killed.run, "SIGKILL");
    await once(killed.shell, "exit");
    expect(await remainsOf(killed)).not.toEqual([]);

    const next = await startRun();
    onTestFinished(() => void process.kill(next.run));
    await untilGone(killed);
    expect(await remainsOf(alive)).toEqual(before);
  },
);
