import { type Load, type LoadOptions, load } from "./load.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { median, type SuiteOptions } from "./suite.ts";

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 2;

/** One thing to measure: a server and the call that is sent to it over and over. */
export interface Path extends Pick<LoadOptions, "method" | "headers" | "body"> {
  readonly name: string;
  /** Below `bench`, without its ending. */
  readonly program: string;
  readonly args?: readonly string[];
  /** What comes after the server's address. */
  readonly target: string;
}

/** What one round found of a path. */
export interface Sample extends Load {
  /** Microseconds of processor time a call, by the program alone. */
  readonly userUs: number;
  /** The same with the kernel's. */
  readonly totalUs: number;
}

/** Measures all paths in turn, round by round, each against a server process of its own. */
export async function measureAll(paths: readonly Path[], { seconds, rounds }: SuiteOptions): Promise<Samples> {
  const servers = await Promise.all(paths.map(({ program, args }) => startServer(program, args)));
  const samples = new Map(paths.map(({ name }): [string, Sample[]] => [name, []]));
  try {
    for (let round = -1; round < rounds; round += 1) {
      for (const [index, path] of paths.entries()) {
        const server = servers[index];
        if (server === undefined) continue;
        const sample = await measure(server, path, round < 0 ? WARM_UP_SECONDS : seconds);
        if (round >= 0) samples.get(path.name)?.push(sample);
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return new Samples(samples);
}

/** Medians over the rounds. Ratios are taken within a round: other users of the machine slow all its paths down alike. */
export class Samples {
  readonly #byPath: ReadonlyMap<string, readonly Sample[]>;

  constructor(byPath: ReadonlyMap<string, readonly Sample[]>) {
    this.#byPath = byPath;
  }

  get failures(): number {
    return [...this.#byPath.values()].flat().reduce((sum, { failures }) => sum + failures, 0);
  }

  middle(path: string, member: keyof Sample): number {
    return median(this.#of(path).map((sample) => sample[member]));
  }

  over(path: string, baseline: string, member: keyof Sample): number {
    return this.#pairs(path, baseline, member, (value, base) => value / base);
  }

  difference(path: string, baseline: string, member: keyof Sample): number {
    return this.#pairs(path, baseline, member, (value, base) => value - base);
  }

  #pairs(
    path: string,
    baseline: string,
    member: keyof Sample,
    combine: (value: number, base: number) => number,
  ): number {
    const bases = this.#of(baseline);
    return median(this.#of(path).map((sample, round) => combine(sample[member], bases[round]?.[member] ?? Number.NaN)));
  }

  #of(path: string): readonly Sample[] {
    return this.#byPath.get(path) ?? [];
  }
}

async function measure(server: ServerProcess, path: Path, seconds: number): Promise<Sample> {
  const { target, method = "POST", headers, body = "" } = path;
  const before = await server.usage();
  const result = await load({
    url: `${server.url}${target}`,
    method,
    headers,
    body,
    connections: CONNECTIONS,
    seconds,
  });
  const after = await server.usage();
  const userUs = (after.userUs - before.userUs) / result.calls;
  return { ...result, userUs, totalUs: userUs + (after.systemUs - before.systemUs) / result.calls };
}
