// Prints the CycloneDX bill of what package.json's dependencies bring: npm's own, less what is for development or optional
// alone. (`npm sbom --omit dev` leaves out packages that both kinds need.)
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const runtime = new Set(
  Object.entries(packages)
    .filter(([path, { dev, devOptional, optional }]) => path !== "" && !(dev || devOptional || optional))
    .map(
      ([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)}@${version}`,
    ),
);
const npm = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
const bill = JSON.parse(execFileSync("npm", npm, { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] }));

const components = bill.components.filter(({ name, version }) => runtime.has(`${name}@${version}`));
const kept = new Set([bill.metadata.component["bom-ref"], ...components.map((component) => component["bom-ref"])]);
const dependencies = bill.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((needed) => kept.has(needed)) }));
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`);
