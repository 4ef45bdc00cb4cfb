/**
 * Which part of the network an address belongs to: https://wicg.github.io/local-network-access/#ip-address-space-section.
 *
 * The blocks are those of Chromium 147. The specification has one more, 198.18.0.0/15.
 */
import { isLoopbackName } from "../origins.ts";

/** From the whole internet, from the same network, from the same machine. */
export const addressSpaces = ["public", "local", "loopback"] as const;

export type AddressSpace = (typeof addressSpaces)[number];

/** The first block that contains an address counts. An IPv4 address is read as its IPv4-mapped IPv6 address. */
const blocks = (
  [
    ["0.0.0.0/32", "loopback"],
    ["127.0.0.0/8", "loopback"],
    ["0.0.0.0/8", "local"],
    ["10.0.0.0/8", "local"],
    ["100.64.0.0/10", "local"],
    ["169.254.0.0/16", "local"],
    ["172.16.0.0/12", "local"],
    ["192.168.0.0/16", "local"],
    ["::/128", "loopback"],
    ["::1/128", "loopback"],
    ["2001:db8::/32", "local"],
    ["3fff::/20", "local"],
    ["fc00::/7", "local"],
    ["fe80::/10", "local"],
    ["fec0::/10", "local"],
  ] as const
).map(([text, space]) => ({ ...readBlock(text), space }));

/** The space of an IP address, which may be in brackets and have a zone; null for any other text. */
export function spaceOfAddress(text: string): AddressSpace | null {
  const address = readAddress(text.replace(/^\[|\]$/g, "").split("%", 1)[0] ?? "");
  if (address === null) return null;
  return blocks.find(({ start, shift }) => address >> shift === start >> shift)?.space ?? "public";
}

/** The space of a URL's host, as far as its spelling shows it: for an IP address, localhost and `.local`; otherwise null. */
export function spaceOfHost(host: string): AddressSpace | null {
  if (isLoopbackName(host)) return "loopback";
  return /\.local\.?$/.test(host) ? "local" : spaceOfAddress(host);
}

function readBlock(text: string): { readonly start: bigint; readonly shift: bigint } {
  const [address = "", bits = ""] = text.split("/");
  return { start: readAddress(address) ?? 0n, shift: BigInt((address.includes(":") ? 128 : 32) - Number(bits)) };
}

function readAddress(text: string): bigint | null {
  if (!text.includes(":")) {
    const dotted = readIPv4(text);
    return dotted === null ? null : (0xffffn << 32n) | dotted;
  }
  const [left = "", right, more] = text.split("::");
  const head = readGroups(left);
  const tail = readGroups(right ?? "");
  if (head === null || tail === null || more !== undefined) return null;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...tail];
  return groups.reduce((address, group) => (address << 16n) | group, 0n);
}

/** The last two groups may be written as an IPv4 address. */
function readGroups(text: string): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  for (const group of text.split(":")) {
    const dotted = readIPv4(group);
    if (dotted !== null) groups.push(dotted >> 16n, dotted & 0xffffn);
    else if (/^[\da-f]{1,4}$/i.test(group)) groups.push(BigInt(`0x${group}`));
    else return null;
  }
  return groups;
}

function readIPv4(text: string): bigint | null {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  if (bytes.some((byte) => byte > 255)) return null;
  return bytes.reduce((address, byte) => (address << 8n) | BigInt(byte), 0n);
}
