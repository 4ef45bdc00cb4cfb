import { expect, test } from "vitest";
import { isLocalNetwork, isLoopback, isLoopbackName } from "../../packages/cors/src/origins.ts";

test.each([
  ["localhost", true],
  ["localhost.", true],
  ["api.localhost", true],
  ["a.b.localhost.", true],
  ["notlocalhost", false],
  ["localhost.example.com", false],
  ["localhost..", false],
  ["127.0.0.1", false],
])("%s is a name of this machine: %s", (host, expected) => {
  expect(isLoopbackName(host)).toBe(expected);
});

test.each([
  ["api.localhost", true],
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["[::1]", true],
  ["127.example.com", false],
  ["128.0.0.1", false],
  ["[::2]", false],
  ["0.0.0.0", false],
])("%s is this machine: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each([
  ["0.0.0.0", true],
  ["10.1.2.3", true],
  ["11.1.2.3", false],
  ["100.63.0.1", false],
  ["100.64.0.1", true],
  ["100.128.0.1", false],
  ["169.254.1.1", true],
  ["169.253.1.1", false],
  ["172.15.0.1", false],
  ["172.16.0.1", true],
  ["172.31.0.1", true],
  ["172.32.0.1", false],
  ["192.168.1.1", true],
  ["192.169.1.1", false],
  ["8.8.8.8", false],
  ["10.example.com", false],
  ["printer.local", true],
  ["printer.local.", true],
  ["local", false],
  ["[fc00::1]", true],
  ["[fd12:3456::1]", true],
  ["[fe80::1]", true],
  ["[fec0::1]", false],
  ["[2606:4700::1111]", false],
  ["[::ffff:c0a8:101]", true],
  ["[::ffff:808:808]", false],
])("%s is of a local network by its spelling: %s", (host, expected) => {
  expect(isLocalNetwork(host)).toBe(expected);
});
