import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LameDuck } from "../../src/plugins/index.ts";
import { type Ending, type Member, Supervisor } from "../../src/workers/supervisor.ts";

const HANDOVER: LameDuck = { lameDuckMs: 5000, accepting: false };
const STOP: LameDuck = { lameDuckMs: 0, accepting: true };

/** A process that the test controls. */
class Puppet implements Member {
  readonly pid: number;
  readonly serving: Promise<void>;
  readonly ended: Promise<Ending>;
  #resolveServing: () => void = () => undefined;
  #rejectServing: (error: Error) => void = () => undefined;
  #resolveEnded: (ending: Ending) => void = () => undefined;
  state: "starting" | "serving" | "leaving" | "ended" = "starting";
  lameDuck: LameDuck | undefined;

  constructor(pid: number) {
    this.pid = pid;
    this.serving = new Promise((resolve, reject) => {
      this.#resolveServing = resolve;
      this.#rejectServing = reject;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.serving.catch(() => undefined);
  }

  async serve(): Promise<void> {
    this.state = "serving";
    this.#resolveServing();
    await settle();
  }

  async end(ending: Ending = { code: 0, signal: null }): Promise<void> {
    this.state = "ended";
    this.#rejectServing(new Error(`${this.pid} can't start`));
    this.#resolveEnded(ending);
    await settle();
  }

  leave(lameDuck: LameDuck): void {
    this.state = "leaving";
    this.lameDuck = lameDuck;
  }

  kill(): void {
    void this.end({ code: null, signal: "SIGKILL" });
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);

let puppets: Puppet[];
let lines: string[];
let supervisor: Supervisor;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  puppets = [];
  lines = [];
  supervisor = new Supervisor({
    count: 2,
    fork: () => {
      const puppet = new Puppet(puppets.length + 1);
      puppets.push(puppet);
      return puppet;
    },
    handover: HANDOVER,
    log: { info: (_, message) => lines.push(message), error: (_, message) => lines.push(message) },
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function puppet(pid: number): Puppet {
  const found = puppets[pid - 1];
  if (found === undefined) throw new Error(`there is no process ${pid}`);
  return found;
}

const states = () => puppets.map(({ state }) => state).join(" ");

async function startBoth(): Promise<void> {
  const started = supervisor.start();
  await puppet(1).serve();
  await puppet(2).serve();
  await started;
}

describe("a start", () => {
  test("ends when all serve", async () => {
    const started = vi.fn();
    void supervisor.start().then(started);
    await puppet(1).serve();
    expect(started).not.toHaveBeenCalled();
    await puppet(2).serve();
    expect(started).toHaveBeenCalledOnce();
    expect(supervisor.serving).toBe(2);
  });

  test("fails with the reason of the first process that can't serve, and ends the others", async () => {
    const started = supervisor.start();
    const failed = expect(started).rejects.toThrow("2 can't start");
    await puppet(1).serve();
    await puppet(2).end({ code: 1, signal: null });
    await failed;
    expect(states()).toBe("ended ended");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(puppets).toHaveLength(2);
  });

  test("fails after a minute if a process never serves", async () => {
    const failed = expect(supervisor.start()).rejects.toThrow("can't start");
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
  });
});

describe("a process that dies", () => {
  test("is replaced after a wait that doubles with each death in a row", async () => {
    await startBoth();
    for (const [pid, waitMs] of [
      [2, 50],
      [3, 100],
      [4, 200],
    ] as const) {
      await puppet(pid).end({ code: null, signal: "SIGSEGV" });
      expect(supervisor.serving).toBe(1);
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(puppets).toHaveLength(pid);
      await vi.advanceTimersByTimeAsync(1);
      expect(puppets).toHaveLength(pid + 1);
      await puppet(pid + 1).serve();
      expect(supervisor.serving).toBe(2);
    }
    expect(supervisor.crashes).toBe(3);
    expect(lines).toEqual(Array(3).fill("a worker ended; starting another one"));
  });

  test("after it has served for a while is replaced as fast as the first time", async () => {
    await startBoth();
    await puppet(2).end();
    await vi.advanceTimersByTimeAsync(50);
    await puppet(3).serve();
    await vi.advanceTimersByTimeAsync(10_000);
    await puppet(3).end();
    await vi.advanceTimersByTimeAsync(50);
    expect(puppets).toHaveLength(4);
  });

  test("is replaced again and again while replacements can't start, with pauses of at most ten seconds", async () => {
    await startBoth();
    await puppet(2).end();
    for (let pid = 3; pid < 20; pid += 1) {
      await vi.advanceTimersByTimeAsync(10_000);
      await puppet(pid).end({ code: 1, signal: null });
    }
    await vi.advanceTimersByTimeAsync(4999);
    expect(puppets).toHaveLength(19);
    await vi.advanceTimersByTimeAsync(1);
    await puppet(20).serve();
    expect(supervisor.serving).toBe(2);
    expect(lines.at(-1)).toBe("a worker can't start; trying again");
  });
});

describe("a renewal", () => {
  test("replaces one process at a time; the old one leaves when the new one serves", async () => {
    await startBoth();
    const renewed = vi.fn();
    void supervisor.renew().then(renewed);
    await settle();
    expect(states()).toBe("serving serving starting");
    await puppet(3).serve();
    expect(states()).toBe("leaving serving serving");
    expect(puppet(1).lameDuck).toBe(HANDOVER);
    await puppet(1).end();
    expect(states()).toBe("ended serving serving starting");
    await puppet(4).serve();
    expect(renewed).not.toHaveBeenCalled();
    await puppet(2).end();
    expect(renewed).toHaveBeenCalledOnce();
    expect(states()).toBe("ended ended serving serving");
    expect([supervisor.serving, supervisor.crashes]).toEqual([2, 0]);
  });

  test("ends if a replacement can't start, and the old processes stay", async () => {
    await startBoth();
    const renewed = supervisor.renew();
    await puppet(3).end({ code: 1, signal: null });
    await renewed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states()).toBe("serving serving ended");
    expect(lines.at(-1)).toBe("a new worker can't start: the old ones stay");
  });

  test("runs once more if it is requested again meanwhile, however often", async () => {
    await startBoth();
    const renewed = supervisor.renew();
    void supervisor.renew();
    void supervisor.renew();
    for (let pid = 3; pid <= 6; pid += 1) {
      await settle();
      await puppet(pid).serve();
      await puppet(pid - 2).end();
    }
    await renewed;
    expect(states()).toBe("ended ended ended ended serving serving");
  });

  test("replaces a process that died; a second replacement leaves again", async () => {
    await startBoth();
    await puppet(1).end({ code: 1, signal: null });
    await vi.advanceTimersByTimeAsync(50);
    void supervisor.renew();
    await settle();
    await puppet(4).serve();
    await puppet(3).serve();
    expect(states()).toBe("ended serving leaving serving starting");
  });

  test("kills a process that does not leave", async () => {
    await startBoth();
    void supervisor.renew();
    await puppet(3).serve();
    await vi.advanceTimersByTimeAsync(HANDOVER.lameDuckMs + 30_000);
    expect(states()).toBe("ended serving serving starting");
  });
});

describe("a stop", () => {
  test("asks all to leave, including those that start, and reports whether each ended with 0", async () => {
    await startBoth();
    void supervisor.renew();
    const stopped = supervisor.stop(STOP);
    expect(states()).toBe("leaving leaving leaving");
    for (const member of puppets) await member.end();
    expect(await stopped).toBe(true);
    expect([puppet(1).lameDuck, puppets.length]).toEqual([STOP, 3]);
  });

  test("is not clean if a process had to be killed", async () => {
    await startBoth();
    const stopped = supervisor.stop(STOP);
    await puppet(1).end();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await stopped).toBe(false);
  });

  test("starts no more replacements", async () => {
    await startBoth();
    await puppet(1).end();
    const stopped = supervisor.stop(STOP);
    await puppet(2).end();
    expect(await stopped).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(puppets).toHaveLength(2);
  });
});
