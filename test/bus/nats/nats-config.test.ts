import { expect, test } from "bun:test";
import { natsConfig, type NatsOptions } from "../../../src/bus/nats/nats-config.ts";
import { ChatError } from "../../../src/error.ts";

test("F8: a wrong option is refused at once, with an error that shows no secret", () => {
  const wrong: readonly unknown[] = [
    {},
    { servers: [] },
    { servers: "" },
    { servers: [7] },
    { servers: "ws://user:hunter2@127.0.0.1" },
    { servers: "http://user:hunter2@127.0.0.1" },
    { servers: "nats://user:hunter2@127.0.0.1:99999" },
    { servers: "nats://user:hunter2@127.0.0.1:0" },
    { servers: "nats://user:hunter2@127.0.0.1/path" },
    { servers: "nats://user:hunter2@127.0.0.1?tls=1" },
    { servers: "nats://user:hunter%2@127.0.0.1" },
    { servers: "nats://127.0.0.1,,nats://127.0.0.2" },
    { servers: "127.0.0.1", prefix: "" },
    { servers: "127.0.0.1", prefix: "a..b" },
    { servers: "127.0.0.1", prefix: "a.*" },
    { servers: "127.0.0.1", prefix: "a b" },
    { servers: "127.0.0.1", prefix: "x".repeat(129) },
    { servers: "127.0.0.1", user: "chat", password: "hunter2" },
    { servers: "127.0.0.1", pass: "hunter2" },
    { servers: "127.0.0.1", user: "chat", token: "hunter2" },
    { servers: "127.0.0.1", user: 5 },
    { servers: "127.0.0.1", token: "" },
    { servers: "127.0.0.1", tls: true },
    { servers: "127.0.0.1", tls: { caFile: "/nowhere/hunter2.pem" } },
    { servers: "tls://127.0.0.1", tls: null },
    { servers: "127.0.0.1", authenticator: "hunter2" },
  ];
  for (const options of wrong) {
    let said: unknown = null;
    try {
      natsConfig(options as NatsOptions);
    } catch (error) {
      said = error;
    }
    if (!(said instanceof ChatError)) throw new Error(`Not refused: ${JSON.stringify(options)}`);
    expect(said.code).toBe("config_invalid");
    expect(Bun.inspect(said)).not.toContain("hunter2");
  }
});

test("F8: servers are given in any of their forms", () => {
  const of = (options: NatsOptions) =>
    natsConfig(options).servers.map(({ name, credentials }) => ({ name, ...credentials }));
  expect(of({ servers: "localhost" })).toEqual([{ name: "localhost:4222" }]);
  expect(of({ servers: " nats://a.example:1, tls://b.example/ " })).toEqual([
    { name: "a.example:1" },
    { name: "b.example:4222", tls: {} },
  ]);
  expect(of({ servers: ["[::1]", "nats://[::1]:5"] })).toEqual([{ name: "[::1]:4222" }, { name: "[::1]:5" }]);
  expect(natsConfig({ servers: "[::1]" }).servers[0]?.host).toBe("::1");
  const servers = ["a", "nats://me:p%40ss@b", "nats://secret@c"];
  expect(of({ servers, user: "chat", pass: "word", tls: null })).toEqual([
    { name: "a:4222", user: "chat", pass: "word", tls: null },
    { name: "b:4222", user: "me", pass: "p@ss", tls: null },
    { name: "c:4222", token: "secret", tls: null },
  ]);
});
