import { describe, expect, test } from "bun:test";
import { initialState } from "../../../src/client/link/state.ts";
import { idle, type PureLink, pureLink, welcomeOf } from "./steps.ts";

const waiting = (link: PureLink, reason: string, until: number): void => {
  expect(link.phase()).toEqual({ type: "waiting", reason, until } as never);
};
const at = (link: PureLink): string => {
  const phase = link.phase();
  return phase.type === "connecting" ? phase.at : phase.type;
};
const occasion = (name: "visible" | "hidden" | "online" | "offline" | "resumed" | "leaving") =>
  ({ type: "occasion", occasion: name }) as const;

/** From `online`, each drop with its result. */
const drops: readonly (readonly [code: number, reason: string, result: object])[] = [
  [1000, "", { type: "waiting", reason: "network", until: 400 }],
  [1001, "", { type: "waiting", reason: "server", until: 400 }],
  [1006, "", { type: "waiting", reason: "network", until: 400 }],
  [1011, "", { type: "waiting", reason: "server", until: 400 }],
  [1012, "restart", { type: "waiting", reason: "server", until: 400 }],
  [1013, "", { type: "waiting", reason: "busy", until: 400 }],
  [4400, "", { type: "waiting", reason: "network", until: 400 }],
  [4408, "", { type: "waiting", reason: "network", until: 400 }],
  [4429, "too busy, retryAfterMs=1500", { type: "waiting", reason: "rate", until: 1_500 }],
  [1012, "retryAfterMs=99999999999", { type: "waiting", reason: "server", until: 3_600_000 }],
  [4500, "no more", { type: "ended", code: "4500", reason: "no more" }],
  [4501, "banned", { type: "ended", code: "banned", reason: "banned" }],
  [4999, "", { type: "ended", code: "4999", reason: "" }],
];

/** The answers of HTTP for a try, each with its result. */
const failures: readonly (readonly [status: number, fields: object, result: object])[] = [
  [0, {}, { type: "waiting", reason: "network", until: 400 }],
  [404, {}, { type: "waiting", reason: "foreign", until: 400 }],
  [0, { code: "foreign" }, { type: "waiting", reason: "foreign", until: 400 }],
  [403, { code: "forbidden" }, { type: "ended", code: "forbidden", reason: "it says why" }],
  // A page in between refused, not the server.
  [403, { code: "http_403" }, { type: "waiting", reason: "server", until: 400 }],
  [429, { code: "rate_limited", retryAfterMs: 7_000 }, { type: "waiting", reason: "rate", until: 7_000 }],
  [429, { code: "too_many_connections" }, { type: "waiting", reason: "busy", until: 400 }],
  [503, { retryAfterMs: 5_000 }, { type: "waiting", reason: "server", until: 5_000 }],
  [500, {}, { type: "waiting", reason: "server", until: 400 }],
];

describe("the steps of a try", () => {
  test("J20 go from credentials over the position and the greeting to online", () => {
    const link = pureLink();
    link.take({ type: "start" });
    expect(link.effects()).toEqual([{ type: "get-credentials", generation: 1, reason: "start", attempt: 1 }]);
    link.credentials();
    expect(link.types()).toEqual(["get-position"]);
    link.position();
    expect(link.effects()).toMatchObject([{ type: "open", transport: "socket", position: { device: "d1" } }]);
    link.frame(welcomeOf());
    expect(link.types()).toEqual(["welcome"]);
    expect(link.phase()).toMatchObject({ type: "live", isCaughtUp: false });
    link.take({ type: "caught-up" });
    expect(link.phase()).toMatchObject({ type: "live", isCaughtUp: true });
    link.take({ type: "stop" });
    expect(link.types()).toEqual(["close", "down"]);
    expect(link.phase()).toEqual({ type: "idle" });
  });

  test("J34 read the position anew each time, and wait while the device cannot store", () => {
    const link = pureLink();
    link.toOnline();
    link.take({ type: "reconnect" });
    expect(link.types()).toEqual(["close", "down", "get-position"]);
    link.take({ type: "position", generation: link.state().connection, position: null });
    waiting(link, "storage", 400);
    link.tick();
    link.toLive();
    link.take({ type: "reconnect", waitMs: 2_000 });
    waiting(link, "storage", link.at + 2_000);
    link.tick();
    expect(at(link)).toBe("position");
    // The storage hangs.
    link.tick();
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "storage" });
  });

  test("J23 a socket without a greeting is dropped after 10 s, and HTTP is asked why", () => {
    const link = pureLink();
    link.toGreeting();
    link.pass(9_999);
    expect(at(link)).toBe("greeting");
    link.frame({ type: "pong" });
    link.pass(1);
    expect(link.types()).toEqual(["close", "ask-why"]);
    link.tick();
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "network" });
  });

  test("J23 after a sleep the greeting gets 3 s more, for it may wait unread", () => {
    const link = pureLink();
    link.toGreeting();
    link.tick(60_000);
    expect(at(link)).toBe("greeting");
    link.pass(3_000);
    expect(at(link)).toBe("reason");
  });

  test("J21 results of an ended connection change nothing", () => {
    const link = pureLink();
    link.toGreeting();
    const old = link.state().connection;
    link.take({ type: "reconnect" });
    link.position();
    const before = link.state();
    link.take({ type: "frame", generation: old, frame: welcomeOf() });
    link.take({ type: "dropped", generation: old, code: 4501, reason: "" });
    link.take({ type: "position", generation: old, position: null });
    link.take({ type: "explained", generation: old, failure: null });
    link.take({ type: "tick", lateMs: 0 });
    expect(link.state()).toEqual(before);
  });
});

describe("late results", () => {
  test("J21 J34 a position that an older try asked for is not used", () => {
    const link = pureLink();
    link.take({ type: "start" });
    link.credentials();
    const old = link.state().connection;
    link.take({ type: "reconnect" });
    link.take({ type: "position", generation: old, position: { device: "d1", cursor: "old", level: 1 } });
    expect(link.effects()).toEqual([]);
    expect(at(link)).toBe("position");
  });

  test("J21 credentials that an older request asked for are not used", () => {
    const link = pureLink();
    link.take({ type: "start" });
    const old = link.state().generation;
    link.tick();
    link.tick();
    link.take({ type: "credentials", generation: old, got: { isToken: true, lastMs: Infinity } });
    expect(link.state().credentials.type).toBe("asking");
    link.take({ type: "credentials", generation: old, got: "none" });
    expect(at(link)).toBe("credentials");
  });
});

describe("the end of a connection", () => {
  for (const [code, reason, result] of drops)
    test(`J24 by ${code} "${reason}" leads to ${JSON.stringify(result)}`, () => {
      const link = pureLink();
      link.toOnline();
      link.drop(code, reason);
      expect(link.phase()).toEqual(result as never);
      expect(link.types()).toEqual(["close", "down"]);
    });

  test("J24 the waiting time is drawn from 0.4 s to twice as long with each failure, up to 30 s", () => {
    for (const chance of [0, 0.5, 1]) {
      const link = pureLink();
      link.chance = chance;
      link.toOnline();
      const waits = Array.from({ length: 9 }, () => {
        link.drop(1006);
        if (at(link) === "reason") link.fail(0);
        const from = link.at;
        link.tick();
        const waited = link.at - from;
        link.position();
        return waited;
      });
      const most = [800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
      expect(waits).toEqual(most.map((max) => 400 + chance * (max - 400)));
    }
  });

  test("J24 a delay that the server named is kept, and half as much again at most", () => {
    const link = pureLink();
    link.chance = 1;
    link.toOnline();
    link.drop(4429, "retryAfterMs=2000");
    waiting(link, "rate", 3_000);
    link.take(occasion("visible"));
    waiting(link, "rate", 3_000);
    link.take({ type: "probe" });
    expect(at(link)).toBe("position");
  });

  test("J24 failures count no longer once the connection was online for 10 s", () => {
    const link = pureLink();
    link.toOnline();
    link.drop(1006);
    expect(link.state().failures).toBe(1);
    link.tick();
    link.toOnline();
    link.pass(9_999);
    expect(link.state().failures).toBe(1);
    link.pass(1);
    expect(link.state().failures).toBe(0);
  });

  test("J24 each frame of a live log may say that it is caught up", () => {
    const link = pureLink();
    link.toOnline();
    link.drop(1006);
    link.tick();
    link.toOnline();
    for (let second = 0; second < 10; second++) {
      link.pass(1_000);
      link.take({ type: "caught-up" });
    }
    expect(link.state().failures).toBe(0);
  });

  test("J24 after `ended` only `retry` connects", () => {
    const link = pureLink();
    link.toOnline();
    link.drop(4501);
    for (const name of ["visible", "online", "resumed"] as const) link.take(occasion(name));
    for (const type of ["start", "probe", "used", "stop"] as const) link.take({ type });
    expect(link.phase().type).toBe("ended");
    link.take({ type: "retry" });
    expect(at(link)).toBe("position");
  });
});

describe("a try that HTTP fails or explains", () => {
  for (const [status, fields, result] of failures)
    test(`J25 ${status} ${JSON.stringify(fields)} leads to ${JSON.stringify(result)}`, () => {
      for (const isTicket of [true, false]) {
        const link = pureLink();
        link.toGreeting();
        if (!isTicket) link.drop(1006);
        expect(at(link)).toBe(isTicket ? "greeting" : "reason");
        link.fail(status, fields);
        expect(link.phase()).toEqual(result as never);
      }
    });

  test("J26 two handshakes in a row that fail while HTTP works lead to polling", () => {
    const link = pureLink();
    link.toGreeting();
    link.drop(1006);
    link.explain();
    waiting(link, "network", 400);
    link.tick();
    link.position();
    link.drop(1002);
    link.explain();
    link.position();
    expect(link.effects()).toMatchObject([{ type: "open", transport: "polling" }]);
    link.frame(welcomeOf());
    link.take({ type: "caught-up" });
    link.fail(0);
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "network" });
    link.tick();
    link.position();
    expect(link.effects()).toMatchObject([{ type: "open", transport: "polling" }]);
  });

  /** A link that polls. */
  function polling(): PureLink {
    const link = pureLink();
    link.toGreeting();
    for (let i = 0; i < 2; i++) {
      link.drop(1006);
      link.explain();
      if (link.phase().type === "waiting") link.tick();
      link.position();
    }
    link.frame(welcomeOf());
    link.take({ type: "caught-up" });
    expect(link.phase()).toMatchObject({ type: "live", transport: "polling" });
    return link;
  }

  test("J26 a socket is tried again after ten minutes, and polling goes on at once if it fails", () => {
    const link = polling();
    link.pass(599_000);
    expect(link.phase().type).toBe("live");
    link.pass(1_000);
    link.position();
    expect(link.effects()).toMatchObject([{ type: "open", transport: "socket" }]);
    link.drop(1006);
    link.explain();
    link.position();
    expect(link.effects()).toMatchObject([{ type: "open", transport: "polling" }]);
  });

  test("J26 a socket is tried again when the device comes to another network, and a socket that works is kept", () => {
    const link = polling();
    link.take(occasion("online"));
    link.toLive();
    expect(link.phase()).toMatchObject({ type: "live", transport: "socket" });
    link.drop(1006);
    link.tick();
    link.position();
    link.drop(1006);
    link.explain();
    expect(link.phase().type).toBe("waiting");
  });

  test("J26 with HTTP alone no socket is tried, also later and on another network", () => {
    const link = pureLink({ ...idle, stripped: Infinity });
    link.toLive();
    expect(link.phase()).toMatchObject({ type: "live", transport: "polling" });
    link.take({ type: "caught-up" });
    link.pass(3_600_000);
    link.take(occasion("online"));
    link.fail(0);
    link.tick();
    link.position();
    const opened = link.all.filter(({ type }) => type === "open");
    expect(opened).toHaveLength(2);
    expect(opened).toMatchObject([{ transport: "polling" }, { transport: "polling" }]);
  });

  test("J26 polling needs no pings, and answers a probe", () => {
    const link = polling();
    const from = link.all.length;
    link.pass(120_000);
    expect(link.all.slice(from)).toEqual([]);
    link.take({ type: "probe" });
    expect(link.types()).toEqual(["ping"]);
    link.pass(3_000);
    expect(at(link)).toBe("position");
  });

  test("J26 J27 a sleep ends with a probe here too", () => {
    const link = polling();
    link.take({ type: "tick", lateMs: 3_600_000 });
    expect(link.types()).toEqual(["ping"]);
  });
});

describe("whether a connection lives", () => {
  /** The id of the ping that was just sent. */
  const pinged = (link: PureLink): string => {
    const [effect] = link.effects();
    if (effect?.type !== "ping") throw new Error("No ping was sent");
    return effect.id;
  };

  test("J27 a dead one shows after a heartbeat and 3 s", () => {
    const link = pureLink();
    link.toOnline();
    link.pass(25_000);
    pinged(link);
    link.pass(2_999);
    expect(link.phase().type).toBe("live");
    link.pass(1);
    expect(link.types()).toEqual(["close", "down", "get-position"]);
  });

  test("J24 J27 a server that answers no ping is given more time with each connection", () => {
    const link = pureLink();
    link.toOnline();
    for (let i = 0; i < 4; i++) {
      link.take({ type: "probe" });
      link.pass(3_000);
      expect(link.state().failures).toBe(i + 1);
      expect(at(link)).toBe(i === 0 ? "position" : "waiting");
      if (i > 0) link.tick();
      link.toOnline();
    }
  });

  test("J27 an answered ping is followed by the next one a heartbeat later", () => {
    const link = pureLink();
    link.toOnline();
    for (let i = 0; i < 3; i++) {
      link.pass(25_000);
      link.frame({ type: "pong", id: pinged(link) });
      expect(link.effects()).toEqual([]);
      expect(link.phase()).toMatchObject({ type: "live", probe: null });
    }
  });

  test("J27 frames that come before the answer give it 3 s more, and a pong of another ping is no answer", () => {
    const link = pureLink();
    link.toOnline();
    link.pass(25_000);
    const id = pinged(link);
    link.pass(2_000);
    link.frame({ type: "typing" });
    expect(link.types()).toEqual(["frame"]);
    link.pass(2_999);
    link.frame({ type: "pong", id: "0" });
    expect(link.phase()).toMatchObject({ probe: { id } });
    link.pass(3_000);
    expect(at(link)).toBe("position");
  });

  for (const name of ["online", "visible", "resumed", "offline"] as const)
    test(`J27 on "${name}" the server has 3 s to answer a ping`, () => {
      const link = pureLink();
      link.toOnline();
      link.take(occasion(name));
      pinged(link);
      link.take(occasion(name));
      expect(link.effects()).toEqual([]);
      link.pass(3_000);
      expect(at(link)).toBe("position");
    });

  test("J27 a timer that fires a heartbeat too late shows a sleep, after which the server has 3 s", () => {
    const link = pureLink();
    link.toOnline();
    link.tick(25_001);
    pinged(link);
    link.pass(3_000);
    expect(at(link)).toBe("position");
  });

  test("J27 an answer that was due while the device slept has 3 s more", () => {
    const link = pureLink();
    link.toOnline();
    link.take({ type: "probe" });
    const id = pinged(link);
    link.tick(3_600_000);
    expect(link.phase().type).toBe("live");
    link.frame({ type: "pong", id });
    expect(link.phase()).toMatchObject({ type: "live", probe: null });
  });

  for (const name of ["online", "visible", "resumed"] as const)
    test(`J27 "${name}" ends a waiting time`, () => {
      const link = pureLink();
      link.toOnline();
      link.drop(1006);
      link.take(occasion(name));
      expect(at(link)).toBe("position");
    });
});

describe("a device without a network", () => {
  test("J28 is tried slowly, without counting, and at once when it is back", () => {
    const link = pureLink();
    link.toOnline();
    link.take(occasion("offline"));
    link.pass(3_000);
    for (let i = 0; i < 5; i++) {
      link.position();
      link.drop(1006);
      link.fail(0);
      waiting(link, "offline", link.at + 30_000);
      if (i < 4) link.tick();
    }
    expect(link.state().failures).toBe(0);
    link.take(occasion("online"));
    expect(at(link)).toBe("position");
    link.position();
    link.drop(1006);
    link.fail(0);
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "network" });
  });

  test("J28 that is wrong about it comes online all the same", () => {
    const link = pureLink({ ...pureLink().state(), isOffline: true });
    link.toOnline();
    expect(link.phase()).toMatchObject({ isCaughtUp: true });
    link.drop(1006);
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "network" });
  });

  test("J28 a try that waits says so as soon as the device does", () => {
    const link = pureLink();
    link.toOnline();
    link.drop(1006);
    link.take(occasion("offline"));
    waiting(link, "offline", 30_000);
  });
});

describe("a hidden page", () => {
  const hidden = (): PureLink => {
    const link = pureLink();
    link.toOnline();
    link.take(occasion("hidden"));
    return link;
  };

  test("J29 disconnects after 60 quiet seconds, and connects when it is visible", () => {
    const link = hidden();
    link.pass(25_000);
    link.frame({ type: "pong", id: String(link.state().generation) });
    link.pass(25_000);
    link.frame({ type: "pong", id: String(link.state().generation) });
    link.pass(9_999);
    expect(link.phase().type).toBe("live");
    link.pass(1);
    expect(link.types()).toEqual(["close", "down"]);
    expect(link.phase()).toEqual({ type: "asleep" });
    link.take(occasion("online"));
    expect(link.phase()).toEqual({ type: "asleep" });
    link.take(occasion("visible"));
    link.toOnline();
    link.pass(200_000);
    expect(link.phase().type).not.toBe("asleep");
  });

  test("J29 that was used stays for 60 s more", () => {
    const link = hidden();
    link.at = 20_000;
    link.take({ type: "used" });
    expect(link.state().sleepAt).toBe(80_000);
    link.take({ type: "stop" });
    link.take({ type: "start" });
    expect(at(link)).toBe("position");
  });

  test("J29 wakes for a probe, and sleeps again", () => {
    const link = hidden();
    link.at = 60_000;
    link.take({ type: "tick", lateMs: 0 });
    expect(link.phase().type).toBe("asleep");
    link.take({ type: "probe" });
    link.toOnline();
    expect(link.state().sleepAt).toBe(120_000);
    link.drop(1006);
    link.at = 120_000;
    link.take({ type: "tick", lateMs: 0 });
    expect(link.phase().type).toBe("asleep");
  });

  test("J29 from its beginning sleeps too, and one that is left closes at once", () => {
    const link = pureLink(
      initialState({ identity: { user: "alice", tenant: "default" }, isOffline: false, sleepAt: 60_000, stripped: 0 }),
    );
    link.toLive();
    link.take(occasion("leaving"));
    expect(link.types()).toEqual(["close", "down"]);
    expect(link.phase()).toEqual({ type: "asleep" });
    link.take(occasion("resumed"));
    expect(at(link)).toBe("position");
  });
});
