import { expect, test } from "vitest";
import { makeServerDirectory } from "../setup/debian-servers.ts";
import { failOver, faultOfRound } from "./automatic-failover.ts";
import { clusterLack } from "./patroni.ts";

test.skipIf(clusterLack !== undefined && !process.env["CI"])(
  `three PostgreSQL servers under Patroni survive a crash and a cut network (skipped ${clusterLack ?? ""})`,
  async ({ annotate, onTestFinished }) => {
    const directory = await makeServerDirectory();
    onTestFinished(() => directory.remove());
    const { findings, pauses } = await failOver({
      directory: directory.path,
      rounds: [faultOfRound(0), faultOfRound(1)],
      clients: 16,
      seed: 5,
      report: (line) => void annotate(line),
    });
    expect(findings).toEqual([]);
    expect(pauses).toHaveLength(2);
  },
  600_000,
);
