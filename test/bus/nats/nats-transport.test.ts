import { afterEach, expect, test } from "bun:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { nats, type NatsOptions } from "../../../src/bus/nats/nats.ts";
import { natsConfig } from "../../../src/bus/nats/nats-config.ts";
import { createNatsTransport, type Pace } from "../../../src/bus/nats/nats-transport.ts";
import type { Transport } from "../../../src/bus/transport.ts";
import { formatLine } from "../../../src/internal/log-line.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { plainConnection, startHesitant } from "../rude-server.ts";
import { checksFailedBy, describeTransport, eventually, hear, meet, type World } from "../transport.contract.ts";
import { deadline } from "../../support/deadline.ts";

/** Transports and servers that tests of this file have opened, and not closed themselves. */
const opened: { close(): Promise<unknown> }[] = [];
const servers: NatsServer[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  for (const server of servers.splice(0)) await server.stop();
  resetSync();
});

async function start(configuration?: string): Promise<NatsServer> {
  const server = await startNats(configuration);
  servers.push(server);
  return server;
}

/** A transport that reconnects sooner than usual. It is patient, so that it does not give up a server that is only slow. */
const steady: Partial<Pace> = { pingMs: deadline.answerMs, dialMs: deadline.answerMs, retryMs: 50, retryMsMax: 200 };
/** One that notices soon that a server is silent. */
const quick: Partial<Pace> = { ...steady, pingMs: 200, dialMs: 300 };

function open(options: NatsOptions, pace = steady): Transport & { readonly gaps: () => number } {
  const transport = createNatsTransport(natsConfig(options), pace);
  let gaps = 0;
  transport.onGap(() => void gaps++);
  opened.push(transport);
  return { ...transport, gaps: () => gaps };
}

/** Everything that is logged from now on. */
function listen(): string[] {
  const lines: string[] = [];
  const sink = (record: LogRecord): void => void lines.push(formatLine(record), Bun.inspect(record.properties));
  configureSync({
    reset: true,
    sinks: { lines: sink },
    loggers: [
      { category: ["tidings"], sinks: ["lines"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  return lines;
}

/** How many MiB more the process holds after `work`. */
async function grownMiB(work: () => Promise<void>): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  await work();
  Bun.gc(true);
  return (process.memoryUsage().rss - before) / 2 ** 20;
}

/** Half a hundred MiB of hints, as a node makes them: some, then a turn of the loop. */
async function flood(publish: (text: string) => void): Promise<void> {
  for (let i = 0; i < 50_000; i++) {
    publish(`${i}`.padEnd(1_000, "x"));
    if (i % 500 === 0) await Bun.sleep(0);
  }
}

test("F8: a server that does not let one in is asked again later and later", async () => {
  const askedAtMs: number[] = [];
  const open = (socket: { end(): void }): void => {
    askedAtMs.push(performance.now());
    socket.end();
  };
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open, data() {} } });
  opened.push({ close: async () => server.stop(true) }, nats({ servers: `127.0.0.1:${server.port}` }));
  await eventually(() => askedAtMs.length >= 4);
  // Half of 200, 400 and 800 ms is waited at least.
  const [first = 0, second = 0, third = 0, fourth = 0] = askedAtMs;
  expect(second - first).toBeGreaterThan(90);
  expect(third - second).toBeGreaterThan(190);
  expect(fourth - third).toBeGreaterThan(390);
});

test("F6: a gap is reported once the server is known to have the subscriptions", async () => {
  const server = await startHesitant();
  opened.push(server);
  const node = open({ servers: server.url });
  node.subscribe(["news"], () => {});
  await eventually(() => server.said().includes("SUB tidings.news "));
  await Bun.sleep(100);
  expect(node.gaps()).toBe(0);
  server.goOn();
  await eventually(() => node.gaps() === 1);
});

describeWith("nats-server", "over NATS", () => {
  const openWorld = async (): Promise<World> => {
    const server = await start();
    const nodes: Transport[] = [];
    return {
      join() {
        const node = nats({ servers: server.url });
        nodes.push(node);
        return node;
      },
      async close() {
        await Promise.all(nodes.map((node) => node.close()));
        await server.stop();
      },
    };
  };
  describeTransport("the contract", openWorld);

  test("control: F7 subjects that reach a real server as they are meet there", async () => {
    const openPlain = async (): Promise<World> => {
      const server = await start();
      const connections: NatsConnection[] = [];
      return {
        join() {
          const connecting = plainConnection(server.url).then((connection) => {
            connections.push(connection);
            return connection;
          });
          const nameOf = (subject: readonly string[]): string => subject.join(".").replace(/\s/g, "_");
          return {
            publish: (subject, text) => void connecting.then((connection) => connection.publish(nameOf(subject), text)),
            subscribe(subject, listener) {
              const callback = (error: Error | null, message: { string(): string }): void =>
                error === null ? listener(message.string()) : undefined;
              void connecting.then((connection) => connection.subscribe(nameOf(subject), { callback }));
              return () => {};
            },
            onGap() {},
            close: async () => (await connecting).close(),
          };
        },
        async close() {
          await Promise.all(connections.map((connection) => connection.close()));
          await server.stop();
        },
      };
    };
    expect(await checksFailedBy(openPlain, /^F6: everybody|^F7: subjects that look alike/)).toEqual([
      "F7: subjects that look alike never meet",
    ]);
  });

  test("F8: a server that is absent at first is found when it comes, and the first connection is reported as a gap", async () => {
    const server = await start();
    await server.signal("SIGKILL");
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    const heard = hear(bob, ["news"]);
    alice.publish(["news"], "lost");
    await Bun.sleep(300);
    expect([alice.gaps(), bob.gaps()]).toEqual([0, 0]);
    await server.restart();
    await meet(alice, bob);
    alice.publish(["news"], "heard");
    await eventually(() => heard.length > 0 && bob.gaps() === 1);
    expect(heard).toEqual(["heard"]);
  });

  test("F8: a server that is killed and comes again is found again, and the subscriptions hold", async () => {
    const server = await start();
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    const kept = hear(bob, ["kept"]);
    const end = bob.subscribe(["ended"], () => {});
    await meet(alice, bob);
    await server.signal("SIGKILL");
    await Bun.sleep(100);
    end();
    const added = hear(bob, ["added"]);
    alice.publish(["kept"], "lost");
    await server.restart();
    await meet(alice, bob);
    for (const subject of ["kept", "ended", "added"]) alice.publish([subject], "heard");
    await eventually(() => bob.gaps() === 2 && alice.gaps() === 2);
    await meet(alice, bob);
    expect([kept, added]).toEqual([["heard"], ["heard"]]);
    // The server answers here beside what it reads there: the end of the last meeting may not have come to it yet.
    const standing = async (): Promise<readonly string[]> => {
      const { connections } = await server.ask("/connz?subs=1");
      return (connections as { subscriptions_list?: string[] }[])
        .flatMap(({ subscriptions_list: list = [] }) => list)
        .filter((subject) => !subject.startsWith("tidings.meet."))
        .toSorted();
    };
    expect(await standing()).toEqual(["tidings.added", "tidings.kept"]);
  });

  test("F8: a server that is stopped is left, costs no memory meanwhile, and is found when it goes on", async () => {
    const server = await start();
    const lines = listen();
    const hasLogged = (text: string): boolean => lines.some((line) => line.includes(text));
    // Alice may notice at any moment of a flood that the server is silent. One who is patient stays to the end of it.
    const patient = open({ servers: server.url });
    const [alice, bob] = [open({ servers: server.url }, quick), open({ servers: server.url }, quick)];
    const heard = hear(bob, ["news"]);
    await meet(patient, bob);
    await meet(alice, bob);
    await server.signal("SIGSTOP");
    for (const node of [alice, patient]) {
      const grown = await grownMiB(() => flood((text) => node.publish(["flood"], text)));
      expect(grown).toBeLessThan(32);
    }
    expect(hasLogged("some are dropped")).toBe(true);
    await eventually(() => hasLogged("the bus is away") && hasLogged("a server of the bus cannot be used"));
    await server.signal("SIGCONT");
    await meet(alice, bob);
    alice.publish(["news"], "heard");
    await eventually(() => heard.length === 1 && bob.gaps() >= 2);
    expect(patient.gaps()).toBe(1);
  });

  test("F8: where one of two servers is dead or stopped, the other one serves", async () => {
    const [first, second] = [await start(), await start()];
    await first.signal("SIGKILL");
    for (let i = 0; i < 4; i++) {
      const [alice, bob] = [0, 1].map(() => open({ servers: [first.url, second.url] }));
      if (alice === undefined || bob === undefined) return;
      await meet(alice, bob);
      await Promise.all([alice.close(), bob.close()]);
    }
  });

  test("F8: a server that is stopped is left for another, also where the way to it is full", async () => {
    const [first, second] = [await start(), await start()];
    await second.signal("SIGKILL");
    const servers = [first.url, second.url];
    const [alice, bob] = [open({ servers }, quick), open({ servers }, quick)];
    await meet(alice, bob);
    await second.restart();
    await first.signal("SIGSTOP");
    await flood((text) => alice.publish(["flood"], text));
    await meet(alice, bob);
  });

  test("control: F8 the library by itself stays with a server that is stopped, once the way to it is full", async () => {
    const [first, second] = [await start(), await start()];
    const connection = await plainConnection([first.url, second.url], {
      noRandomize: true,
      pingInterval: 100,
      maxPingOut: 1,
    });
    await first.signal("SIGSTOP");
    await flood((text) => connection.publish("flood", text));
    await Bun.sleep(1_500);
    expect(connection.getServer()).toBe(`127.0.0.1:${first.port}`);
    expect(
      await Promise.race([
        connection.flush().then(
          () => "there",
          () => "away",
        ),
        Bun.sleep(500),
      ]),
    ).not.toBe("there");
    await first.signal("SIGKILL");
    await connection.close();
  });

  test("F8: a flood while there is no server costs no memory", async () => {
    const server = await start();
    const node = open({ servers: server.url });
    await eventually(() => node.gaps() === 1);
    await server.signal("SIGKILL");
    await Bun.sleep(50);
    const grown = await grownMiB(() => flood((text) => node.publish(["flood"], text)));
    expect(grown).toBeLessThan(24);
    await server.restart();
    await eventually(() => node.gaps() === 2);
  });

  test("control: F8 the library by itself keeps such a flood in memory", async () => {
    const server = await start();
    const connection = await plainConnection(server.url);
    opened.push(connection);
    await server.signal("SIGSTOP");
    expect(await grownMiB(() => flood((text) => connection.publish("flood", text)))).toBeGreaterThan(40);
    await server.signal("SIGKILL");
  });

  test("F8: 10 000 subscriptions leave nothing behind when they end", async () => {
    const server = await start();
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    await meet(alice, bob);
    /** Once it moves no more: what ended a moment ago may still be counted. */
    const standing = async (): Promise<number> => {
      const counts: number[] = [];
      while (counts.length < 3 || new Set(counts.slice(-3)).size > 1) {
        counts.push(Number((await server.ask("/subsz"))["num_subscriptions"]));
        await Bun.sleep(50);
      }
      return counts.at(-1) ?? Number.NaN;
    };
    const before = await standing();
    const ends = Array.from({ length: 10_000 }, (_, i) => bob.subscribe(["user", `u${i % 5_000}`], () => {}));
    await meet(alice, bob);
    expect((await standing()) - before).toBe(5_000);
    for (const end of ends) end();
    await meet(alice, bob);
    await eventually(() => bob.gaps() === 1);
    expect((await standing()) - before).toBe(0);
  });

  test("F8: L48 who may not come in keeps asking, says how it signed in and no secret, and is let in when that changes", async () => {
    const lines = listen();
    const server = await start('authorization { user: chat, password: "right-secret" }');
    const right = open({ servers: server.url, user: "chat", pass: "right-secret" });
    const inAddress = open({ servers: server.url.replace("//", "//chat:right-secret@") });
    await meet(right, inAddress);
    const wrong = open({ servers: server.url.replace("//", "//chat:wrong-secret@") });
    const nobody = open({ servers: server.url });
    await Bun.sleep(800);
    expect([wrong.gaps(), nobody.gaps()]).toEqual([0, 0]);
    server.configure('authorization { user: chat, password: "wrong-secret" }');
    await server.signal("SIGKILL");
    await server.restart();
    await eventually(() => wrong.gaps() === 1);
    server.configure("");
    await server.signal("SIGKILL");
    await server.restart();
    await Promise.all([meet(wrong, nobody), meet(nobody, right)]);
    expect(lines.join("\n")).toContain("the bus is away");
    const away = lines.filter((line) => line.includes("the bus is away"));
    for (const how of ["as user chat with a password", "as nobody, without a password or token"])
      expect(away.filter((line) => line.includes(how)).length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toMatch(/right-secret|wrong-secret/);
  });

  test("F8: a text that the server does not take is dropped, and the connection stays", async () => {
    const lines = listen();
    const server = await start("max_payload: 2000");
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    const heard = hear(bob, ["news"]);
    await meet(alice, bob);
    alice.publish(["news"], "x".repeat(2_001));
    alice.publish(["news"], "é".repeat(999));
    alice.publish(["news"], "x".repeat(1_900));
    await meet(alice, bob);
    expect(heard).toEqual(["x".repeat(1_900)]);
    expect([alice.gaps(), bob.gaps()]).toEqual([1, 1]);
    expect(lines.filter((line) => line.includes('"message":"a hint is larger than the server takes"'))).toHaveLength(2);
  });

  test("F6: a refusal of the server is reported as a gap, once for each kind, and costs nothing else", async () => {
    const lines = listen();
    const server = await start(`authorization { users: [
      { user: alice, password: a, permissions: { publish: ["tidings.meet.*", "tidings.news"], subscribe: ">" } }
      { user: bob, password: b, permissions: { publish: "tidings.>", subscribe: ["tidings.meet.*", "tidings.news"] } } ] }`);
    const alice = open({ servers: server.url, user: "alice", pass: "a" });
    const bob = open({ servers: server.url, user: "bob", pass: "b" });
    const [news, secrets] = [hear(bob, ["news"]), hear(bob, ["secrets"])];
    bob.subscribe(["more", "secrets"], () => {});
    await meet(alice, bob);
    await eventually(() => bob.gaps() === 2);
    for (let i = 0; i < 100; i++) alice.publish(["secrets"], "not allowed");
    alice.publish(["news"], "allowed");
    await meet(alice, bob);
    await eventually(() => alice.gaps() === 2);
    expect([news, secrets]).toEqual([["allowed"], []]);
    expect([alice.gaps(), bob.gaps()]).toEqual([2, 2]);
    expect(lines.filter((line) => line.includes('"message":"the bus\'s server refused something"'))).toHaveLength(2);
    expect(lines.join("\n")).not.toContain("secrets");
  });

  test("F6: with another prefix one hears nothing", async () => {
    const server = await start();
    const [alice, bob, carol] = [
      open({ servers: server.url, prefix: "one.chat" }),
      open({ servers: server.url, prefix: "one.chat" }),
      open({ servers: server.url, prefix: "other" }),
    ];
    const [bobs, carols] = [hear(bob, ["news"]), hear(carol, ["news"])];
    await meet(alice, bob);
    await eventually(() => carol.gaps() === 1);
    alice.publish(["news"], "heard");
    await meet(alice, bob);
    expect([bobs, carols]).toEqual([["heard"], []]);
  });

  test("F6: the server does not send a node its own texts", async () => {
    const server = await start();
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    const [, bobs] = [hear(alice, ["news"]), hear(bob, ["news"])];
    await Promise.all([meet(alice, bob), meet(bob, alice)]);
    const before = Number((await server.ask("/varz"))["out_msgs"]);
    for (let i = 0; i < 1_000; i++) alice.publish(["news"], "one");
    await eventually(() => bobs.length === 1_000);
    expect(Number((await server.ask("/varz"))["out_msgs"]) - before).toBeLessThan(1_100);
  });

  test("F6: the texts that a node published before its end go out", async () => {
    const server = await start();
    const patient = { ...steady, drainMs: deadline.answerMs };
    const [alice, bob] = [open({ servers: server.url }, patient), open({ servers: server.url }, patient)];
    const heard = hear(bob, ["news"]);
    await meet(alice, bob);
    await server.signal("SIGSTOP");
    // More than sockets hold.
    for (let i = 0; i < 800; i++) alice.publish(["news"], "x".repeat(10_000));
    const closing = alice.close();
    await Bun.sleep(100);
    await server.signal("SIGCONT");
    await closing;
    await eventually(() => heard.length === 800);
  });

  test("F8: a server that is stopped does not hold up an end", async () => {
    const server = await start();
    const node = open({ servers: server.url });
    await eventually(() => node.gaps() === 1);
    await server.signal("SIGSTOP");
    node.publish(["news"], "lost");
    const startedAt = performance.now();
    await node.close();
    // Long before an unanswered ping would show that the server is away.
    expect(performance.now() - startedAt).toBeLessThan(deadline.answerMs / 2);
  });

  test("F6: a text that a node published on a connection that it lost does not come back to it on the next", async () => {
    const server = await start();
    const plain = await plainConnection(server.url);
    opened.push(plain);
    const [alice, bob] = [open({ servers: server.url }), open({ servers: server.url })];
    let raw: Uint8Array = new Uint8Array();
    plain.subscribe("tidings.news", { callback: (_, message) => void (raw = message.data) });
    await plain.flush();
    const [alices, bobs] = [hear(alice, ["news"]), hear(bob, ["news"])];
    await meet(alice, bob);
    alice.publish(["news"], "one");
    await eventually(() => raw.length > 0);
    await eventually(() => alice.gaps() === 1);
    // As it comes when a server that was stopped reads the old connection after the new one.
    plain.publish("tidings.news", raw);
    await eventually(() => bobs.length === 2);
    await meet(bob, alice);
    expect(alices).toEqual([]);
  });
});
