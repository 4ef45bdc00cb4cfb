import { describe, expect, test } from "vitest";
import { spaceOfAddress, spaceOfHost } from "../../../packages/cors/src/doctor/address-spaces.ts";

/** The first and the last address of each block in Chromium 147, with the addresses next to them. */
const table: readonly (readonly [address: string, space: string])[] = [
  ["0.0.0.0", "loopback"],
  ["0.0.0.1", "local"],
  ["0.255.255.255", "local"],
  ["1.0.0.0", "public"],
  ["9.255.255.255", "public"],
  ["10.0.0.0", "local"],
  ["10.255.255.255", "local"],
  ["11.0.0.0", "public"],
  ["100.63.255.255", "public"],
  ["100.64.0.0", "local"],
  ["100.127.255.255", "local"],
  ["100.128.0.0", "public"],
  ["126.255.255.255", "public"],
  ["127.0.0.0", "loopback"],
  ["127.255.255.255", "loopback"],
  ["128.0.0.0", "public"],
  ["169.253.255.255", "public"],
  ["169.254.0.0", "local"],
  ["169.254.255.255", "local"],
  ["169.255.0.0", "public"],
  ["172.15.255.255", "public"],
  ["172.16.0.0", "local"],
  ["172.31.255.255", "local"],
  ["172.32.0.0", "public"],
  ["192.0.2.1", "public"],
  ["192.167.255.255", "public"],
  ["192.168.0.0", "local"],
  ["192.168.255.255", "local"],
  ["192.169.0.0", "public"],
  ["198.18.0.1", "public"],
  ["255.255.255.255", "public"],
  ["::", "loopback"],
  ["::1", "loopback"],
  ["::2", "public"],
  ["::192.168.0.1", "public"],
  ["::ffff:0.0.0.0", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:c0a8:1", "local"],
  ["::ffff:1.1.1.1", "public"],
  ["64:ff9b::c0a8:1", "public"],
  ["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "public"],
  ["2001:db8::", "local"],
  ["2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff", "local"],
  ["2001:db9::", "public"],
  ["3ffe:ffff::", "public"],
  ["3fff::", "local"],
  ["3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "local"],
  ["3fff:1000::", "public"],
  ["fbff:ffff::1", "public"],
  ["fc00::", "local"],
  ["fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "local"],
  ["fe00::", "public"],
  ["fe7f:ffff::", "public"],
  ["fe80::", "local"],
  ["febf:ffff::1", "local"],
  ["fec0::", "local"],
  ["feff:ffff::", "local"],
  ["ff00::", "public"],
];

describe("an IP address", () => {
  test.each(table)("%s is %s", (address, space) => {
    expect(spaceOfAddress(address)).toBe(space);
    expect(spaceOfAddress(`[${address}]`)).toBe(space);
  });

  test("may have a zone", () => {
    expect(spaceOfAddress("fe80::1%eth0")).toBe("local");
  });

  test.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    ":",
    "1:2",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7::8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "g::",
  ])("is not %j", (text) => expect(spaceOfAddress(text)).toBeNull());
});

test.each([
  ["localhost", "loopback"],
  ["api.localhost.", "loopback"],
  ["[::1]", "loopback"],
  ["127.1.2.3", "loopback"],
  ["[fd12::1]", "local"],
  ["192.168.7.7", "local"],
  ["printer.local", "local"],
  ["a.printer.local.", "local"],
  ["8.8.8.8", "public"],
  ["local", null],
  ["printer.local.example.com", null],
  ["10.example.com", null],
  ["api.example.com", null],
])("the host %s shows that its space is %s", (host, space) => {
  expect(spaceOfHost(host)).toBe(space);
});
