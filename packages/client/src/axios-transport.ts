import { type AxiosLike, overAxios } from "./over-axios.ts";
import type { Transport } from "./transports.ts";

/**
 * Carries calls by axios.
 *
 * @param instance default: an instance of its own, free of what the application set on axios itself. The package `axios` is
 * loaded with the first call.
 */
export function axiosTransport(instance?: AxiosLike): Transport {
  if (instance !== undefined) return overAxios(instance);
  let own: Promise<Transport> | undefined;
  return {
    async send(request) {
      own ??= import("axios").then(({ default: axios }) => overAxios(axios.create()));
      return await (await own).send(request);
    },
  };
}
