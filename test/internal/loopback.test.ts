import { expect, test } from "bun:test";
import { isLoopbackHost } from "../../src/internal/loopback.ts";

const loopback = [
  "localhost",
  "localhost:6662",
  "LOCALHOST",
  "Localhost:1",
  "localhost:65535",
  "127.0.0.1",
  "127.0.0.1:6662",
  "127.255.255.254",
  "127.0.1.1:80",
  "[::1]",
  "[::1]:6662",
];

const foreign = [
  null,
  "",
  " ",
  "localhost.",
  "localhost.:6662",
  "localhost:",
  "localhost:65536",
  "localhost:0x50",
  "localhost:-1",
  "localhost:99999",
  "app.localhost",
  "localhost.evil.com",
  "evil-localhost",
  "127.0.0.1.evil.com",
  "127.0.0.1.",
  "127.0.0.256",
  "127.0.0",
  "127.1",
  "127.0.0.01",
  "0127.0.0.1",
  "0x7f.0.0.1",
  "0x7f000001",
  "2130706433",
  "017700000001",
  "0.0.0.0",
  "0",
  "128.0.0.1",
  "10.0.0.1",
  "::1",
  "[::1",
  "::1]",
  "[::1].evil.com",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
  "[::]",
  "[::1%25lo]",
  "localhost@evil.com",
  "evil.com@localhost",
  "localhost:80@evil.com",
  "user:pw@127.0.0.1",
  "localhost, evil.com",
  "evil.com, localhost",
  "localhost\n",
  "\tlocalhost",
  "localhost/",
  "localhost#",
  "localhost?x",
  "ⓛocalhost",
  "１２７.0.0.1",
  "evil.com",
  "evil.com:6662",
  "127.0.0.1:6662:80",
  "127.0.0.1\0",
];

for (const host of loopback)
  test(`A16 ${JSON.stringify(host)} is loopback`, () => expect(isLoopbackHost(host)).toBe(true));

for (const host of foreign) {
  test(`A16 ${JSON.stringify(host)} is not loopback`, () => expect(isLoopbackHost(host)).toBe(false));
}
