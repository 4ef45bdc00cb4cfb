/** The manifests for Kubernetes: valid by its published schemas and types, and in step with the service. */
import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readConfig, readConsoleConfig } from "../../src/config/config.ts";
import { variableNames } from "../../src/config/variables.ts";

interface TypedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec?: object;
}

type Labels = Readonly<Record<string, string>>;

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: boolean }[];
}

interface PodSpec {
  readonly containers: readonly [Container];
  readonly securityContext: object;
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes?: readonly { readonly name: string; readonly secret: { readonly secretName: string } }[];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels?: Labels };
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[];
    readonly scaleTargetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  };
}

const FOLDER = "deploy/kubernetes";
const files = (await readdir(FOLDER)).filter((name) => name !== "kustomization.yaml");
const kustomization = parse(await readFile(join(FOLDER, "kustomization.yaml"), "utf8"));
const documents = (await Promise.all(files.map((name) => readFile(join(FOLDER, name), "utf8")))).flatMap((text) => [
  ...parseAllDocuments(text),
]);
// The schemas are checked below.
const manifests = documents.map((document) => document.toJS() as Manifest);

function find(kind: string, name: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

const workloads = manifests.filter(({ kind }) => kind === "Deployment" || kind === "Job");
const podOf = ({ spec }: Manifest) => spec.template.spec;
const containerOf = (manifest: Manifest) => podOf(manifest).containers[0];

/** The environment of a container, with the variables of its ConfigMaps. */
function environmentOf({ env = [], envFrom = [] }: Container): Record<string, string> {
  return Object.assign(
    {},
    ...envFrom.map(({ configMapRef }) => find("ConfigMap", configMapRef.name).data),
    ...env.map(({ name, value }) => ({ [name]: value })),
  );
}

test("the files are YAML without mistakes", () => {
  expect(documents.length).toBeGreaterThan(10);
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
});

test("the kustomization has every file, and gives every container its image", () => {
  expect([...kustomization.resources].sort()).toEqual([...files].sort());
  expect(kustomization.images).toEqual([expect.objectContaining({ name: "finance-service" })]);
  for (const workload of workloads) expect(containerOf(workload).image).toBe("finance-service");
});

describe("by Kubernetes' own definitions", () => {
  const folder = join(process.cwd(), "dist/kubernetes");
  beforeAll(() => mkdir(folder, { recursive: true }));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function findMistakes(manifest: TypedObject): Promise<string> {
    const models = await import(/* @vite-ignore */ `kubernetes-models/${manifest.apiVersion}/${manifest.kind}`);
    try {
      new models[manifest.kind](manifest).validate();
      return "";
    } catch (error) {
      return String(error);
    }
  }

  /** The schemas allow unknown fields. The types, made from the same definitions, don't. */
  async function findTypeErrors(list: readonly TypedObject[]): Promise<string> {
    const lines = list.map(({ apiVersion, kind, ...rest }, index) => {
      const type = `import("kubernetes-models/${apiVersion}/${kind}").I${kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
    });
    await writeFile(join(folder, "manifests.ts"), lines.join("\n"));
    const compilerOptions = { strict: true, noEmit: true, skipLibCheck: true, module: "nodenext", types: [] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["manifests.ts"] }));
    return await promisify(execFile)("node_modules/.bin/tsc", ["-p", folder]).then(
      () => "",
      ({ stdout }) => stdout,
    );
  }

  test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    "%s %s is valid",
    async (_kind, _name, manifest) => {
      expect(await findMistakes(manifest)).toBe("");
    },
  );

  test("no field is unknown", async () => {
    expect(await findTypeErrors(manifests)).toBe("");
  });

  test("wrong and unknown fields would be found", async () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "x" } };
    expect(await findMistakes({ ...service, spec: { ports: [{ port: "http" }] } })).toMatch(/port must be integer/);
    const misspelt = { ...service, spec: { selektor: {} } };
    expect(await findTypeErrors([misspelt])).toMatch(/selektor.* does not exist/);
  });
});

test.each(workloads.map((workload) => [workload.metadata.name, workload] as const))(
  "%s runs as the image's user, contained",
  async (_name, workload) => {
    const dockerfile = await readFile("Dockerfile", "utf8");
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(dockerfile) ?? [];
    expect(podOf(workload)).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: Number(user),
        runAsGroup: Number(group),
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
    expect(containerOf(workload)).toMatchObject({
      resources: { limits: { memory: expect.stringMatching(/^\d+Mi$/) } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
    });
  },
);

test("containers set variables of the service only, and no secret", () => {
  for (const workload of workloads) {
    const environment = environmentOf(containerOf(workload));
    expect(Object.keys(environment).filter((name) => !variableNames.includes(name))).toEqual([]);
    expect(Object.keys(environment)).not.toContain("AUTH_JWT_SECRET");
    expect(Object.keys(environment)).not.toContain("PGPASSWORD");
    expect(new URL(environment["DATABASE_URL"] ?? "postgres://user@host").password).toBe("");
  }
  expect(manifests.filter(({ kind }) => kind === "Secret")).toEqual([]);
});

test("the service accepts the environments, with secrets where volumes mount them", () => {
  for (const workload of workloads) {
    const mounts = containerOf(workload).volumeMounts ?? [];
    const secretFiles = Object.entries(environmentOf(containerOf(workload))).filter(([name]) => name.endsWith("_FILE"));
    for (const [name, path] of secretFiles) {
      const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      expect([name, mount?.readOnly]).toEqual([name, true]);
      expect(podOf(workload).volumes?.find((volume) => volume.name === mount?.name)?.secret.secretName).toBeTruthy();
    }
  }
  const read = (name: string) => environmentOf(containerOf(find("Deployment", name)));
  const { AUTH_JWT_SECRET_FILE, PGPASSWORD_FILE, ...api } = read("finance-api");
  const secret = "a secret for tests, 32 bytes or more";
  const config = readConfig({ NODE_ENV: "production", HOST: "0.0.0.0", ...api, AUTH_JWT_SECRET: secret });
  expect(config.warnings).toEqual([]);
  const consoleConfig = readConsoleConfig({ NODE_ENV: "production", HOST: "0.0.0.0", ...read("finance-console") });
  expect([config.port, consoleConfig.port]).toEqual(
    ["finance-api", "finance-console"].map((name) => containerOf(find("Deployment", name)).ports?.[0]?.containerPort),
  );
});

test("the API has time to finish its calls after it is asked to stop", () => {
  const api = find("Deployment", "finance-api");
  const delaySeconds = Number(environmentOf(containerOf(api))["SHUTDOWN_DELAY_MS"]) / 1000;
  const CALL_SECONDS_MAX = 30;
  expect(delaySeconds).toBeGreaterThan(0);
  expect(podOf(api).terminationGracePeriodSeconds).toBeGreaterThan(delaySeconds + CALL_SECONDS_MAX);
});

test("probes and services lead to ports that there are", () => {
  const { startupProbe, livenessProbe, readinessProbe } = containerOf(find("Deployment", "finance-api"));
  expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet.path)).toEqual([
    "/healthz",
    "/healthz",
    "/readyz",
  ]);
  for (const deployment of workloads.filter(({ kind }) => kind === "Deployment")) {
    const container = containerOf(deployment);
    const ports = container.ports?.map(({ name }) => name);
    const { spec } = find("Service", deployment.metadata.name);
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe].filter(
      (probe) => probe !== undefined,
    );
    for (const port of [...probes.map(({ httpGet }) => httpGet.port), ...spec.ports.map((each) => each.targetPort)]) {
      expect(ports).toContain(port);
    }
    expect(spec.ports.map(({ port }) => port)).toEqual(container.ports?.map(({ containerPort }) => containerPort));
  }
});

test("selectors find the pods of the workload of the same name", () => {
  const selecting = manifests.filter(({ kind }) =>
    /^(?:Service|Deployment|PodDisruptionBudget|NetworkPolicy)$/.test(kind),
  );
  expect(selecting.length).toBeGreaterThan(6);
  for (const { kind, metadata, spec } of selecting) {
    const labels: Labels =
      spec.podSelector?.matchLabels ?? spec.selector?.matchLabels ?? (kind === "Service" ? (spec.selector ?? {}) : {});
    const found = workloads.filter(({ spec: { template } }) =>
      Object.entries(labels).every(([name, value]) => template.metadata.labels[name] === value),
    );
    const expected =
      metadata.name === "finance-default" ? workloads.map((each) => each.metadata.name) : [metadata.name];
    expect([kind, ...found.map((each) => each.metadata.name)]).toEqual([kind, ...expected]);
  }
  const { apiVersion, kind, name } = find("HorizontalPodAutoscaler", "finance-api").spec.scaleTargetRef;
  expect(find(kind, name).apiVersion).toBe(apiVersion);
});

test("commands are programs of the image, run by its entry point", async () => {
  for (const workload of workloads) {
    expect(containerOf(workload)).not.toHaveProperty("command");
    const [program = "node", script = "dist/main.js"] = containerOf(workload).args ?? [];
    expect(program).toBe("node");
    await access(script.replace(/^dist\/(.*)\.js$/, "src/$1.ts"));
  }
});
