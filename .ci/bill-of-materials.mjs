// Prints the CycloneDX bill of what the image may contain: the runtime dependencies and the optional peers of package.json and what
// the console's pages import, with all that they depend on, and Node. (`npm sbom --omit dev` leaves out packages that both
// kinds need.) With `--notices`, prints the licenses of these packages instead.
//
// The same packages make the same bill: it has the time of SOURCE_DATE_EPOCH or none, and no random serial number.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

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
const queue = [...Object.keys({ ...direct, ...peerDependencies }), ...importedByPages()].map((name) =>
  resolve("", name),
);
for (const path of queue) {
  if (runtime.has(path)) continue;
  runtime.add(path);
  for (const name of Object.keys(packages[path].dependencies ?? {})) queue.push(resolve(path, name));
}

/** The packages of others that the sources of the console import. */
function importedByPages() {
  const names = new Set();
  for (const file of readdirSync("web/src", { recursive: true })) {
    if (!/\.tsx?$/.test(file)) continue;
    for (const [, name] of readFileSync(join("web/src", file), "utf8").matchAll(/from "((?:@[^/"]+\/)?[^./@"][^/"]*)/g))
      if (!name.startsWith("@finance-service/")) names.add(name);
  }
  return names;
}

if (process.argv.includes("--notices")) printNotices();
else printBill();

/** Prints the license files of all packages, and of Node where its image has one. */
function printNotices() {
  const node = "/usr/local/LICENSE";
  if (existsSync(node)) print(`Node.js ${process.version}`, readFileSync(node, "utf8"));
  for (const path of [...runtime].sort()) {
    const { version, license } = packages[path];
    // Optional packages of other platforms are not installed.
    const files = existsSync(path)
      ? readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      : [];
    const texts = files.map((file) => readFileSync(join(path, file), "utf8").trim());
    print(`${nameOf(path)} ${version}`, texts.length > 0 ? texts.join("\n\n") : `License: ${license ?? "unknown"}`);
  }
}

function print(title, text) {
  process.stdout.write(`${"=".repeat(80)}\n${title}\n${"=".repeat(80)}\n\n${text.trim()}\n\n`);
}

function nameOf(path) {
  return path.slice(path.lastIndexOf("node_modules/") + 13);
}

function printBill() {
  const references = new Set([...runtime].map((path) => `${nameOf(path)}@${packages[path].version}`));

  const npm = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
  const { serialNumber: _, ...bill } = JSON.parse(
    execFileSync("npm", npm, { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] }),
  );

  const components = bill.components.filter(({ name, version }) => references.has(`${name}@${version}`));
  const kept = new Set([bill.metadata.component["bom-ref"], ...components.map((component) => component["bom-ref"])]);
  const dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((needed) => kept.has(needed)) }));
  const { timestamp: __, ...metadata } = bill.metadata;
  // npm names it after the directory.
  metadata.component.name = packages[""].name;
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  if (epoch) metadata.timestamp = new Date(Number(epoch) * 1000).toISOString();
  const version = process.versions.node;
  const purl = `pkg:generic/node@${version}`;
  components.push({ "bom-ref": purl, type: "application", name: "node", version, purl });
  process.stdout.write(`${JSON.stringify({ ...bill, metadata, components, dependencies }, null, 2)}\n`);
}
