import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ServiceType } from "@protobuf-ts/runtime-rpc";
import { buildSync } from "esbuild";
import { TwirpServer } from "twirp-ts";
import type { AnyTwirpServer, CallContext, TwirpService } from "../../packages/twirp/src/index.ts";

/** Methods of a service by name; the compiled schema defines their types. */
export type Implementation = Record<string, (context: CallContext, request: Record<string, unknown>) => unknown>;

/** One service of a compiled schema. */
export interface SchemaService {
  readonly type: ServiceType;
  readonly mount: (implementation: Implementation) => TwirpService;
}

/** Compiles a .proto with the project's generators and loads the result. */
export async function compileSchema(proto: string): Promise<readonly SchemaService[]> {
  const root = process.cwd();
  const key = createHash("sha256").update(proto).digest("hex").slice(0, 16);
  const directory = join(root, "node_modules", ".cache", "twirp-conformance", key);
  const bundle = join(directory, "schema.mjs");
  if (!existsSync(bundle)) generate(proto, root, directory, bundle);
  const exported: Record<string, unknown> = await import(pathToFileURL(bundle).href);
  const servers = Object.entries(exported).flatMap(([name, value]) =>
    /^create.+Server$/.test(name) && isServerFactory(value) ? [value] : [],
  );
  return Object.values(exported).flatMap((type) => {
    if (!(type instanceof ServiceType)) return [];
    const factory = servers.find((create) => fullNameOf(create({})) === type.typeName);
    if (factory === undefined) throw new Error(`no generated server for ${type.typeName}`);
    return [{ type, mount: (implementation) => ({ server: factory(implementation), type }) }];
  });
}

function generate(proto: string, root: string, directory: string, bundle: string): void {
  mkdirSync(join(directory, "proto"), { recursive: true });
  writeFileSync(join(directory, "proto", "schema.proto"), proto);
  const plugin = (name: string, opt: readonly string[], wellKnown: boolean) => ({
    local: join(root, "node_modules", ".bin", name),
    out: "generated",
    strategy: "all",
    ...(wellKnown ? { include_imports: true, include_wkt: true } : {}),
    opt,
  });
  const template = {
    version: "v2",
    inputs: [{ directory: "proto" }],
    plugins: [
      plugin("protoc-gen-ts", ["client_none", "long_type_bigint", "output_typescript"], true),
      plugin("protoc-gen-twirp_ts", ["server_only", "emit_default_values"], false),
    ],
  };
  const buf = join(root, "node_modules", ".bin", "buf");
  execFileSync(buf, ["generate", "--template", JSON.stringify(template)], { cwd: directory, stdio: "pipe" });
  writeFileSync(
    join(directory, "entry.ts"),
    'export * from "./generated/schema";\nexport * from "./generated/schema.twirp";\n',
  );
  buildSync({
    entryPoints: [join(directory, "entry.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile: bundle,
    logLevel: "warning",
  });
}

function isServerFactory(value: unknown): value is (implementation: Implementation) => AnyTwirpServer {
  return typeof value === "function";
}

function fullNameOf(server: AnyTwirpServer): string {
  if (!(server instanceof TwirpServer)) throw new Error("the generated code uses another twirp-ts");
  return server.packageName === "" ? server.serviceName : `${server.packageName}.${server.serviceName}`;
}
