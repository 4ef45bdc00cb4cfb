/** What the host of a URL says about where it is, without asking anybody; hosts are written as a URL serialises them. */

/** Whether the host means the machine that the browser runs on, so that no network lies in between. */
export function isLoopback(host: string): boolean {
  return isLoopbackName(host) || host === "[::1]" || (host.startsWith("127.") && isIpAddress(host));
}

/** https://www.rfc-editor.org/rfc/rfc6761#section-6.3: browsers never ask a resolver for these names. */
export function isLoopbackName(host: string): boolean {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name === "localhost" || name.endsWith(".localhost");
}

/** Whether the host is an address and no name. */
export function isIpAddress(host: string): boolean {
  return host.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether the host is by its spelling one of a local network: a private or link-local address, or a name that ends in
 * `.local`. https://wicg.github.io/local-network-access/#ip-address-space-section
 */
export function isLocalNetwork(host: string): boolean {
  if (host.endsWith(".local") || host.endsWith(".local.")) return true;
  const mapped = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(host);
  if (mapped !== null) {
    const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
    return isLocalIpv4(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  if (host.startsWith("["))
    return host === "[::]" || host === "[::1]" || /^\[(?:f[cd][\da-f]|fe[89ab])[\da-f]:/.test(host);
  return isIpAddress(host) && isLocalIpv4(host);
}

function isLocalIpv4(address: string): boolean {
  const [first = 0, second = 0] = address.split(".").map(Number);
  return (
    first === 0 ||
    first === 10 ||
    first === 127 ||
    (first === 100 && second >= 64 && second <= 127) ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168)
  );
}
