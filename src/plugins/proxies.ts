import { BlockList, isIPv6 } from "node:net";

/** The names that a list of proxies may hold instead of networks. https://www.npmjs.com/package/@fastify/proxy-addr */
const NAMED_NETWORKS: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/**
 * Compiles a list of proxies: addresses, networks as `10.0.0.0/8`, and `loopback`, `linklocal` or `uniquelocal`.
 *
 * @returns whether an address is one of theirs.
 */
export function proxiesIn(list: readonly string[]): (address: string) => boolean {
  if (list.length === 0) return () => false;
  const proxies = new BlockList();
  for (const network of list.flatMap((entry) => NAMED_NETWORKS[entry] ?? [entry])) {
    const [address = "", bits] = network.split("/");
    const family = familyOf(address);
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  return (address) => proxies.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
