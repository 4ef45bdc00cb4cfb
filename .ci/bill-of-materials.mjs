// Prints the CycloneDX bill of the packages that the image may contain: the runtime dependencies and the optional peers of
// package.json, with all that they depend on. (`npm sbom --omit dev` leaves out packages that both kinds need.)
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));

/** The path in the lock file of what `name` means to the package at `path`: the nearest node_modules that has it. */
function resolve(path, name) {
  for (let parent = path; ; parent = parent.slice(0, Math.max(0, parent.lastIndexOf("node_modules/") - 1))) {
    const candidate = `${parent === "" ? "" : `${parent}/`}node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (parent === "") throw new Error(`package-lock.json lacks ${name}, which ${path} needs`);
  }
}

const runtime = new Set();
const { dependencies: direct, peerDependencies } = packages[""];
const queue = Object.keys({ ...direct, ...peerDependencies }).map((name) => resolve("", name));
for (const path of queue) {
  if (runtime.has(path)) continue;
  runtime.add(path);
  for (const name of Object.keys(packages[path].dependencies ?? {})) queue.push(resolve(path, name));
}
const references = new Set(
  [...runtime].map((path) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${packages[path].version}`),
);

const npm = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
const bill = JSON.parse(execFileSync("npm", npm, { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] }));

const components = bill.components.filter(({ name, version }) => references.has(`${name}@${version}`));
const kept = new Set([bill.metadata.component["bom-ref"], ...components.map((component) => component["bom-ref"])]);
const dependencies = bill.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((needed) => kept.has(needed)) }));
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`);
