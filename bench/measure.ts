import { type Load, type LoadOptions, load, wake } from "./load.ts";
import { type ServerProcess, type ServerProgram, startServer } from "./server-process.ts";
import { median, type SuiteOptions } from "./suite.ts";

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 2;

/** A server and the calls that are sent to it. */
export interface Path extends ServerProgram, Pick<LoadOptions, "method" | "headers" | "body" | "patient"> {
  readonly name: string;
  /** The path of the URL. */
  readonly target: string;
  /** Concurrent callers. Default 32. */
  readonly connections?: number;
}

/** The result of one round for a path. */
export interface Sample extends Load {
  /** Microseconds of user CPU time a call. */
  readonly userUs: number;
  /** Microseconds of user and system CPU time a call. */
  readonly totalUs: number;
  /** The server's peak memory so far. */
  readonly rssMaxBytes: number;
}

/** A sample with the other figures that a suite reads in a round. */
type Numbers<S> = Sample & { readonly [Member in keyof S]: number };

/** Reads a suite's other figures before and after `measure`. */
export type Observe<P extends Path, S extends Numbers<S>> = (
  path: P,
  measure: () => Promise<Sample>,
  server: ServerProcess,
) => Promise<S>;

/** Measures all paths in turn, round by round, each against a server process of its own. */
export async function measureAll(paths: readonly Path[], options: SuiteOptions): Promise<Samples> {
  return await observeAll(paths, options, (_path, measure) => measure());
}

/** Measures all paths as {@link measureAll} does, and observes each measurement. */
export async function observeAll<P extends Path, S extends Numbers<S>>(
  paths: readonly P[],
  options: SuiteOptions,
  observe: Observe<P, S>,
): Promise<Samples<S>> {
  const servers = await Promise.all(paths.map(startServer));
  const samples = new Map(paths.map(({ name }): [string, S[]] => [name, []]));
  try {
    for (let round = -1; round < options.rounds; round += 1) {
      for (const [index, path] of paths.entries()) {
        const server = servers[index];
        if (server === undefined) continue;
        const calls = callsOf(server, path);
        if (!path.patient) await wake(calls);
        const seconds = round < 0 ? WARM_UP_SECONDS : options.seconds;
        const sample = await observe(path, () => measure(server, { ...calls, seconds }), server);
        if (round >= 0) samples.get(path.name)?.push(sample);
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return new Samples(samples);
}

/** Medians over the rounds. Ratios are taken within a round, since other users of the machine slow all paths of a round alike. */
export class Samples<S extends Numbers<S> = Sample> {
  readonly #byPath: ReadonlyMap<string, readonly S[]>;

  constructor(byPath: ReadonlyMap<string, readonly S[]>) {
    this.#byPath = byPath;
  }

  get failures(): number {
    return [...this.#byPath.values()].flat().reduce((sum, { failures }) => sum + failures, 0);
  }

  /** A path's figures, round by round. */
  of(path: string, member: keyof S): number[] {
    return (this.#byPath.get(path) ?? []).map((sample): number => sample[member]);
  }

  middle(path: string, member: keyof S): number {
    return median(this.of(path, member));
  }

  sum(path: string, member: keyof S): number {
    return this.of(path, member).reduce((sum, value) => sum + value, 0);
  }

  over(path: string, baseline: string, member: keyof S): number {
    return this.#pairs(path, baseline, member, (value, base) => value / base);
  }

  difference(path: string, baseline: string, member: keyof S): number {
    return this.#pairs(path, baseline, member, (value, base) => value - base);
  }

  #pairs(path: string, baseline: string, member: keyof S, combine: (value: number, base: number) => number): number {
    const bases = this.of(baseline, member);
    return median(this.of(path, member).map((value, round) => combine(value, bases[round] ?? Number.NaN)));
  }
}

function callsOf(server: ServerProcess, path: Path): Omit<LoadOptions, "seconds"> {
  const { target, method = "POST", headers, body = "", connections = CONNECTIONS, patient = false } = path;
  return { url: `${server.url}${target}`, method, headers, body, connections, patient };
}

async function measure(server: ServerProcess, options: LoadOptions): Promise<Sample> {
  const before = await server.usage();
  const result = await load(options);
  const after = await server.usage();
  const userUs = (after.userUs - before.userUs) / result.calls;
  return {
    ...result,
    userUs,
    totalUs: userUs + (after.systemUs - before.systemUs) / result.calls,
    rssMaxBytes: after.rssMaxBytes,
  };
}
