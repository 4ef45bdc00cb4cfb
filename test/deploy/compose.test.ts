/** What the compose files promise for every service. .ci/stack starts them. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";

interface Service {
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly secrets?: readonly string[];
}

/** The services of both files, the overlay's settings added. */
async function readServices(): Promise<Map<string, Service>> {
  const services = new Map<string, Service>();
  for (const file of ["docker-compose.yml", "docker-compose.ha.yml"]) {
    const added: Readonly<Record<string, Service>> = parse(await readFile(file, "utf8"), { merge: true }).services;
    for (const [name, service] of Object.entries(added)) {
      const { environment, secrets = [], ...known } = services.get(name) ?? {};
      services.set(name, {
        ...known,
        ...service,
        environment: { ...environment, ...service.environment },
        secrets: [...secrets, ...(service.secrets ?? [])],
      });
    }
  }
  return services;
}

const services = await readServices();

test.each([...services])("%s gets the secrets that its variables name", (_, { environment = {}, secrets }) => {
  const named = Object.values(environment).flatMap((value) => /\/run\/secrets\/([\w-]+)/.exec(`${value}`)?.[1] ?? []);
  expect([...new Set(secrets)].sort()).toEqual([...new Set(named)].sort());
});

test.each([...services])("%s has limits, a read-only root and no capability", (_, service) => {
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    mem_limit: expect.any(String),
    pids_limit: expect.any(Number),
    logging: { options: { "max-size": "20m", "max-file": "5" } },
  });
});
