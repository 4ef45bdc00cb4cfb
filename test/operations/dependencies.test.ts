/** What is installed: which packages may run code while they are, and whether the bill of materials names them all. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}
interface LockedPackage {
  readonly version: string;
  readonly hasInstallScript?: true;
  readonly dev?: true;
}

let manifest: Manifest;
let locked: [name: string, LockedPackage][];

beforeAll(async () => {
  manifest = JSON.parse(await readFile("package.json", "utf8"));
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(await readFile("package-lock.json", "utf8"));
  locked = Object.entries(lock.packages)
    .filter(([path]) => path !== "")
    .map(([path, entry]) => [path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), entry]);
});

test("package.json names every package with an install script, and no other", () => {
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name);
  expect(Object.keys(manifest.allowScripts).sort()).toEqual([...new Set(scripted)].sort());
});

test("runtime dependencies are pinned exactly", () => {
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect(`${name}@${version}`).toMatch(/@\d[\w.-]*$/);
});

test("the bill of materials names each runtime package, optional peer and package of the pages in its locked version, and no tool for development", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [".ci/bill-of-materials.mjs"], { maxBuffer: 2 ** 26 });
  const bill: { bomFormat: string; components: { name: string; version: string }[] } = JSON.parse(stdout);
  expect(bill.bomFormat).toBe("CycloneDX");
  const billed = new Set(bill.components.map(({ name, version }) => `${name}@${version}`));
  const pages = ["@tanstack/react-query", "react", "react-dom", "uplot"];
  const direct = new Set([...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), ...pages]);
  // A package is locked as `dev` where only tools need it; the optional peers, installed as tools, are locked so too.
  for (const [name, { version, dev }] of locked) {
    if (direct.has(name) || !dev) continue;
    if (name in manifest.devDependencies) expect(billed).not.toContain(`${name}@${version}`);
  }
  const billedNames = new Set(bill.components.map(({ name }) => name));
  for (const name of direct) expect(billedNames).toContain(name);
  for (const [name, version] of Object.entries(manifest.dependencies)) expect(billed).toContain(`${name}@${version}`);
});

test("the bill and the notices are the same each time", async () => {
  const print = async (...args: string[]) => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: "1700000000" };
    const command = [".ci/bill-of-materials.mjs", ...args];
    return (await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 26, env })).stdout;
  };
  const bill = await print();
  expect(await print()).toBe(bill);
  expect(bill).toContain('"timestamp": "2023-11-14T22:13:20.000Z"');
  expect(bill).not.toContain("serialNumber");
  const notices = await print("--notices");
  for (const text of ["react-dom ", "uplot ", "fastify ", "Permission is hereby granted"])
    expect(notices).toContain(text);
});
