import { Session } from "node:inspector/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openAccount, openFunded } from "./setup/ledger.ts";
import { startTestService } from "./setup/service.ts";

/** To follow a call, somebody opens this many files. */
const FILES_MAX = 50;

/** vitest wraps each export in a function, which runs when another file uses the export. */
const EXPORT = /^\(\) => \{ try \{ return \S+ \} catch \{\} \}$/;

test(`a CreateTransfer runs code in at most ${FILES_MAX} files of ours`, async () => {
  const production = { NODE_ENV: "production", DATABASE_URL: "postgres://db/finance" };
  const service = await startTestService(production, { sweepIntervalMs: 3_600_000 });
  const session = new Session();
  session.connect();
  try {
    const alice = await service.token("alice");
    const transfer = {
      debit_account_id: await openFunded(service, "alice", 100),
      credit_account_id: await openAccount(service, "bob"),
      amount: "1",
      metadata: { order: "77" },
    };
    const post = async (idempotencyKey: string) => {
      const request = { ...transfer, idempotency_key: idempotencyKey };
      const { status } = await service.call("CreateTransfer", request, alice);
      expect(status).toBe(200);
    };
    await session.post("Debugger.enable");
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await post("first");
    // Events are sealed later, those of many calls at once.
    await service.ledger.feed.close();
    // What is compiled, connected or remembered once is over; this empties the counters.
    await filesRun(session);
    await post("second");
    const files = await filesRun(session);
    expect(files).toContain("src/finance/service.ts");
    expect(files.length, files.join("\n")).toBeLessThanOrEqual(FILES_MAX);
  } finally {
    session.disconnect();
    await service.close();
  }
});

/** The files of src and packages in which a function ran. */
async function filesRun(session: Session): Promise<readonly string[]> {
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const files: string[] = [];
  for (const { url, scriptId, functions } of result) {
    const file = relative(process.cwd(), url.startsWith("file:") ? fileURLToPath(url) : url);
    if (!/^(src|packages\/\w+\/src)\//.test(file)) continue;
    const { scriptSource } = await session.post("Debugger.getScriptSource", { scriptId });
    const ran = functions
      .flatMap(({ ranges: [range] }) => (range !== undefined && range.count > 0 ? [range] : []))
      .map(({ startOffset, endOffset }) => scriptSource.slice(startOffset, endOffset));
    if (ran.some((source) => !EXPORT.test(source))) files.push(file);
  }
  return files.sort();
}
