/** A package as others get it: packed in a copy of the sources, installed into an empty project. */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";

const run = promisify(execFile);

/** Everything that packing needs. */
const SOURCES = ["generated", "package.json", "packages", "tsconfig.generated.json", "tsconfig.json"];

export type PackageName = "client" | "cors" | "twirp";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Installed {
  readonly name: string;
  readonly hasInstallScript: boolean;
}

/** A project that has one of our packages. */
export interface Stranger {
  readonly folder: string;
  /** Of the package. */
  readonly manifest: Manifest;
  /** Path of the tarball. */
  readonly tarball: string;
  /** The files in the tarball. */
  readonly packed: readonly string[];
  /** Everything that npm has installed so far. */
  installed(): Promise<Installed[]>;
  /** Installs further packages. */
  install(...packages: string[]): Promise<void>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** The compiler's messages for one file; empty if it is right. No declaration is left unchecked. */
  typeCheck(file: string, settings: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Packs a package of ours and installs it, alone, into an empty project. */
export async function startStranger(name: PackageName): Promise<Stranger> {
  const [root, home] = [process.cwd(), join(inject("scratch"), `stranger-${name}`)];
  const [source, folder] = [join(home, "source"), join(home, "project")];
  await mkdir(source, { recursive: true });
  await mkdir(folder);
  const filter = (path: string) => basename(path) !== "dist";
  for (const path of SOURCES) await cp(join(root, path), join(source, path), { recursive: true, filter });
  await symlink(join(root, "node_modules"), join(source, "node_modules"));
  const pack = ["pack", "--workspace", `packages/${name}`, "--json", "--pack-destination", home];
  const { stdout } = await run("npm", pack, { cwd: source });
  const [tarball]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout.slice(stdout.indexOf("[")));
  if (tarball === undefined) throw new Error(`npm packed nothing: ${stdout}`);
  const path = join(home, tarball.filename);

  const install = async (...packages: string[]) => {
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...packages], { cwd: folder });
  };
  await writeFile(join(folder, "package.json"), '{ "name": "stranger", "private": true, "type": "module" }');
  await install(path);
  return {
    folder,
    manifest: JSON.parse(await readFile(join(folder, `node_modules/@finance-service/${name}/package.json`), "utf8")),
    tarball: path,
    packed: tarball.files.map((file) => file.path).sort(),
    async installed() {
      const text = await readFile(join(folder, "node_modules/.package-lock.json"), "utf8");
      const { packages }: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(text);
      return Object.entries(packages).map(([place, { hasInstallScript = false }]) => ({
        name: place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length),
        hasInstallScript,
      }));
    },
    install,
    async write(files) {
      for (const [file, text] of Object.entries(files)) {
        await mkdir(join(folder, file, ".."), { recursive: true });
        await writeFile(join(folder, file), text);
      }
    },
    async typeCheck(file, settings) {
      const strict = {
        strict: true,
        exactOptionalPropertyTypes: true,
        verbatimModuleSyntax: true,
        skipLibCheck: false,
      };
      const compilerOptions = { ...strict, target: "es2022", noEmit: true, ...settings };
      const config = join(folder, `tsconfig.${file.replaceAll("/", "-")}.${settings["moduleResolution"]}.json`);
      await writeFile(config, JSON.stringify({ compilerOptions, files: [file] }));
      const tsc = join(root, "node_modules/.bin/tsc");
      const { stdout: mistakes } = await run(tsc, ["-p", config, "--pretty", "false"], { cwd: folder }).catch(
        (error) => error,
      );
      return mistakes;
    },
  };
}

const IMPORT = /(?:^(?:import|export)\b[^";]*\bfrom |^import |\bimport\(|\brequire\()"([^"]+)"/gm;

/** The packages that the files of an installed package import, by their names. */
export async function importsOf({ folder, manifest: { name } }: Stranger): Promise<string[]> {
  const place = join(folder, "node_modules", name);
  const imports = new Set<string>();
  for (const file of await readdir(place, { recursive: true })) {
    if (!/\.(?:js|d\.ts)$/.test(file)) continue;
    const text = await readFile(join(place, file), "utf8");
    for (const [, specifier = ""] of text.matchAll(IMPORT)) {
      if (/^(?:node:|\.)/.test(specifier)) continue;
      imports.add(specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  return [...imports].sort();
}

/** Bytes of all that is installed. */
export async function installedBytes({ folder }: Stranger): Promise<number> {
  const entries = await readdir(join(folder, "node_modules"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The text of a code block in a package's README, by the file name in its first line. */
export async function readmeBlock(name: PackageName, file: string): Promise<string> {
  const text = await readFile(`packages/${name}/README.md`, "utf8");
  const block = text.match(new RegExp(`^\`\`\`\\w+\\n// ${file}\\n([\\s\\S]*?)^\`\`\``, "m"))?.[1];
  if (block === undefined) throw new Error(`packages/${name}/README.md has no ${file}`);
  return block;
}
