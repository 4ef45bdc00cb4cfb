import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleSize, clientOf, wholeClient } from "./bundle-size.ts";
import { atMost, rounded, type Suite } from "./suite.ts";

const OURS = "ours, GetAccount";
const OURS_WITH_EVENTS = "ours, GetAccount and the feed of events";
const GENERATED = "node_modules/.cache/bench/rivals";

/** Clients that other generators make from the same proto. Both include the whole service, whatever is called. */
const TEMPLATE = {
  version: "v2",
  inputs: [{ directory: "proto" }],
  plugins: [
    {
      local: "node_modules/.bin/protoc-gen-es",
      out: "connect",
      include_imports: true,
      opt: ["target=ts", "import_extension=none"],
    },
    {
      local: "node_modules/.bin/protoc-gen-ts",
      out: "protobuf-ts",
      strategy: "all",
      include_imports: true,
      opt: ["server_none", "long_type_bigint", "output_typescript", "optimize_code_size"],
    },
  ],
};

const connectWeb = `
  import { createClient } from "@connectrpc/connect";
  import { createConnectTransport } from "@connectrpc/connect-web";
  import { FinanceService } from "./${GENERATED}/connect/finance/v1/finance_pb";
  const finance = createClient(FinanceService, createConnectTransport({ baseUrl: "https://api.example.com" }));
  globalThis.call = () => finance.getAccount({ id: 4n });`;

const protobufTs = `
  import { TwirpFetchTransport } from "@protobuf-ts/twirp-transport";
  import { FinanceServiceClient } from "./${GENERATED}/protobuf-ts/finance/v1/finance.client";
  const finance = new FinanceServiceClient(new TwirpFetchTransport({ baseUrl: "https://api.example.com/twirp" }));
  globalThis.call = () => finance.getAccount({ id: 4n });`;

/** twirp-ts's client with the code to send a call, without retries, deadlines or typed errors. */
const twirpTs = `
  import { FinanceServiceClientProtobuf } from "./generated/ts-proto/finance/v1/finance.twirp-client";
  const finance = new FinanceServiceClientProtobuf({
    async request(service, method, contentType, body) {
      const url = "https://api.example.com/twirp/" + service + "/" + method;
      const response = await fetch(url, { method: "POST", headers: { "content-type": contentType }, body: body as Uint8Array<ArrayBuffer> });
      if (!response.ok) throw new Error(await response.text());
      return new Uint8Array(await response.arrayBuffer());
    },
  });
  globalThis.call = () => finance.GetAccount({ id: 4n });`;

const bundles: Readonly<Record<string, string>> = {
  [OURS]: clientOf("getAccount"),
  "ours, GetAccount and ListAccounts": clientOf("getAccount", "listAccounts"),
  "ours, GetAccount and CreateTransfer": clientOf("getAccount", "createTransfer"),
  [OURS_WITH_EVENTS]: clientOf("getAccount", "events"),
  "ours, every method": wholeClient,
  "twirp-ts, fetch, every method": twirpTs,
  "@protobuf-ts/twirp-transport": protobufTs,
  "connect-web": connectWeb,
};

/** What a page downloads to call one method, compared with other generators' clients. */
export const size: Suite = async () => {
  await generateRivals();
  const rows = await Promise.all(
    Object.entries(bundles).map(async ([client, source]) => {
      const { minified, gzipped } = await bundleSize(source);
      return { client, "minified bytes": minified, "gzipped bytes": gzipped };
    }),
  );
  const gzippedOf = (client: string) => rows.find((row) => row.client === client)?.["gzipped bytes"] ?? Number.NaN;
  return {
    how: "esbuild, minified, gzip -9",
    rows: rows.map((row) => ({ ...row, "x ours": rounded(row["gzipped bytes"] / gzippedOf(OURS), 2) })),
    marks: [
      atMost("our client with one RPC's messages, bytes gzipped", gzippedOf(OURS), 7 * 1024),
      atMost("the same with the feed of events, bytes gzipped", gzippedOf(OURS_WITH_EVENTS), 8.5 * 1024),
    ],
    failures: 0,
  };
};

async function generateRivals(): Promise<void> {
  await mkdir(GENERATED, { recursive: true });
  const template = join(GENERATED, "buf.gen.json");
  await writeFile(template, JSON.stringify(TEMPLATE));
  await promisify(execFile)("node_modules/.bin/buf", ["generate", "--template", template, "-o", GENERATED]);
}
