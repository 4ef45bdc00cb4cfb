/**
 * Keeps a number of processes serving: starts them, replaces one that dies, renews all of them one by one, stops them.
 *
 * It knows neither what they serve nor how to make a process: it gets a function that forks.
 */
import { waitAfter } from "../backoff.ts";
import type { LameDuck } from "../plugins/index.ts";

/** How a process ended: one of the two is null. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process. */
export interface Member {
  /** For the log. */
  readonly pid: number | undefined;
  /** Resolves once it serves; rejects with the reason when it can't, or ends before. */
  readonly serving: Promise<void>;
  readonly ended: Promise<Ending>;
  /** Asks it to stop. Asking again changes nothing. */
  leave(lameDuck: LameDuck): void;
  /** Ends it at once. */
  kill(): void;
}

/** Where the supervisor reports. */
export interface SupervisorLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const BACKOFF = { firstMs: 100, mostMs: 10_000 };
/** Uptime after which the backoff starts over. */
const STEADY_MS = 10_000;
/** Time after which a member that does not serve yet is killed. */
const START_MS_MAX = 60_000;
/** Time after the end of its lame duck when a member that still runs is killed. */
const LEAVE_MS_MAX = 30_000;

export interface SupervisorOptions {
  /** Processes that serve at any time. */
  readonly count: number;
  readonly fork: () => Member;
  /** How a member leaves when its replacement serves. */
  readonly handover: LameDuck;
  readonly log: SupervisorLog;
}

/** The place of one serving process. */
interface Slot {
  /** Undefined from the death of its process until the next one serves. */
  member: Member | undefined;
  retry: NodeJS.Timeout | undefined;
  /** In a row. */
  failures: number;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  /** All that run, including those that start or leave. */
  readonly #members = new Set<Member>();
  #stopping = false;
  #crashes = 0;
  #renewal: Promise<void> | undefined;
  #renewAgain = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { count } = options;
    this.#slots = Array.from({ length: count }, () => ({ member: undefined, retry: undefined, failures: 0 }));
  }

  /** Members in service now. */
  get serving(): number {
    return this.#slots.filter(({ member }) => member !== undefined).length;
  }

  /** Members that ended unasked so far. */
  get crashes(): number {
    return this.#crashes;
  }

  /**
   * Starts all members, and resolves when they serve.
   *
   * @throws the reason of the first one that can't serve; the others are killed.
   */
  async start(): Promise<void> {
    try {
      await Promise.all(
        this.#slots.map(async (slot) => {
          const member = this.#fork();
          await member.serving;
          this.#install(slot, member);
        }),
      );
    } catch (error) {
      this.#stopping = true;
      await this.#endAll((member) => member.kill());
      throw error;
    }
  }

  /**
   * Renews all members, one by one: an old one leaves when its replacement serves. If a replacement can't serve, the
   * renewal ends and the remaining old members stay. A request during a renewal makes it run once more afterwards.
   */
  renew(): Promise<void> {
    this.#renewAgain = this.#renewal !== undefined;
    this.#renewal ??= this.#renewUntilDone().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Asks all members to leave. @returns whether each ended with 0. */
  async stop(lameDuck: LameDuck): Promise<boolean> {
    this.#stopping = true;
    for (const { retry } of this.#slots) clearTimeout(retry);
    const endings = await this.#endAll((member) => this.#leave(member, lameDuck));
    return endings.every(({ code }) => code === 0);
  }

  async #endAll(end: (member: Member) => void): Promise<Ending[]> {
    return await Promise.all(
      [...this.#members].map((member) => {
        end(member);
        return member.ended;
      }),
    );
  }

  #fork(): Member {
    const member = this.#options.fork();
    this.#members.add(member);
    const tooLate = setTimeout(() => member.kill(), START_MS_MAX);
    const started = () => clearTimeout(tooLate);
    member.serving.then(started, started);
    void member.ended.then(() => this.#members.delete(member));
    return member;
  }

  #install(slot: Slot, member: Member): void {
    const since = performance.now();
    slot.member = member;
    clearTimeout(slot.retry);
    void member.ended.then((ending) => {
      if (slot.member !== member) return;
      slot.member = undefined;
      if (this.#stopping) return;
      this.#crashes += 1;
      if (performance.now() - since >= STEADY_MS) slot.failures = 0;
      this.#retry(slot, { worker: member.pid, ...ending }, "a worker ended; starting another one");
    });
  }

  #retry(slot: Slot, fields: object, message: string): void {
    const waitMs = waitAfter(BACKOFF, slot.failures);
    slot.failures += 1;
    this.#options.log.error({ ...fields, waitMs }, message);
    slot.retry = setTimeout(() => void this.#replace(slot), waitMs);
  }

  async #replace(slot: Slot): Promise<void> {
    const member = this.#fork();
    try {
      await member.serving;
    } catch (error) {
      if (this.#stopping || slot.member !== undefined) return;
      this.#retry(slot, { worker: member.pid, err: error }, "a worker can't start; trying again");
      return;
    }
    if (this.#stopping) return;
    // Meanwhile a renewal has filled the slot.
    if (slot.member !== undefined) this.#leave(member, this.#options.handover);
    else this.#install(slot, member);
  }

  async #renewUntilDone(): Promise<void> {
    const { log } = this.#options;
    do {
      this.#renewAgain = false;
      log.info({ workers: this.#slots.length }, "renewing the workers one by one");
      if (await this.#renewAll()) log.info({ workers: this.#slots.length }, "all workers are new");
    } while (this.#renewAgain && !this.#stopping);
  }

  /** @returns whether all members are new. */
  async #renewAll(): Promise<boolean> {
    for (const slot of this.#slots) {
      if (this.#stopping) return false;
      const member = this.#fork();
      try {
        await member.serving;
      } catch (error) {
        if (!this.#stopping) {
          this.#options.log.error({ worker: member.pid, err: error }, "a new worker can't start: the old ones stay");
        }
        return false;
      }
      if (this.#stopping) return false;
      const before = slot.member;
      this.#install(slot, member);
      if (before === undefined) continue;
      this.#leave(before, this.#options.handover);
      await before.ended;
    }
    return true;
  }

  #leave(member: Member, lameDuck: LameDuck): void {
    member.leave(lameDuck);
    const tooLate = setTimeout(() => member.kill(), lameDuck.lameDuckMs + LEAVE_MS_MAX);
    void member.ended.then(() => clearTimeout(tooLate));
  }
}
