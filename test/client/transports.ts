import axios from "axios";
import { axiosTransport, type ClientOptions, type Format, fetchTransport } from "../../packages/client/src/index.ts";

export interface Way {
  readonly way: string;
  readonly transport: ClientOptions["transport"];
  readonly format: Format;
}

const transports: readonly (readonly [name: string, transport: ClientOptions["transport"]])[] = [
  ["the default transport", undefined],
  ["fetch", fetch],
  ["a transport over fetch", fetchTransport()],
  ["axios", axios],
  [
    "an instance of axios",
    axios.create({ baseURL: "http://nowhere.invalid", timeout: 1, headers: { accept: "text/html" } }),
  ],
  ["an axios of its own", axiosTransport()],
];

/** Every transport in every format. */
export const ways: readonly Way[] = transports.flatMap(([name, transport]) =>
  (["json", "protobuf"] as const).map((format) => ({ way: `${format} over ${name}`, transport, format })),
);
