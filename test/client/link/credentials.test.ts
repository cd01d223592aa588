import { describe, expect, test } from "bun:test";
import { pureLink, welcomeOf } from "./steps.ts";

const asked = (link: ReturnType<typeof pureLink>) =>
  link.all.flatMap((effect) => (effect.type === "get-credentials" ? [`${effect.reason} ${effect.attempt}`] : []));

describe("credentials that are refused", () => {
  test("J22 three times in a row end the tries, until `retry`", () => {
    const link = pureLink();
    link.toGreeting();
    for (let i = 0; i < 2; i++) {
      link.fail(401);
      link.credentials();
      link.position();
    }
    link.drop(4401);
    expect(link.phase()).toEqual({ type: "unauthenticated", reason: "refused" });
    expect(asked(link)).toEqual(["start 1", "refused 1", "refused 2"]);
    link.take({ type: "occasion", occasion: "online" });
    link.take({ type: "credentials-needed" });
    expect(link.effects()).toEqual([]);
    link.take({ type: "retry" });
    expect(asked(link).at(-1)).toBe("start 1");
    link.toOnline();
    expect(link.phase().type).toBe("live");
  });

  test("J22 the session that ends after 10 s online is no refusal", () => {
    const link = pureLink();
    for (let i = 0; i < 5; i++) {
      link.toOnline();
      link.pass(10_000);
      link.drop(4401);
    }
    expect(asked(link).slice(1)).toEqual(Array.from({ length: 5 }, () => "expired 1"));
    expect(link.phase()).toMatchObject({ type: "connecting" });
  });

  test("J22 after it, three fresh ones may be refused", () => {
    const link = pureLink();
    link.toOnline();
    link.pass(10_000);
    for (let i = 0; i < 3; i++) {
      link.drop(4401);
      expect(link.phase().type).toBe("connecting");
      link.toGreeting();
    }
    link.drop(4401);
    expect(link.phase()).toEqual({ type: "unauthenticated", reason: "refused" });
    expect(asked(link)).toEqual(["start 1", "expired 1", "refused 1", "refused 2"]);
  });

  test("J22 sessions that end at once are", () => {
    const link = pureLink();
    for (let i = 0; i < 3; i++) {
      link.toOnline();
      link.drop(4401);
    }
    expect(link.phase()).toEqual({ type: "unauthenticated", reason: "refused" });
  });

  test("J22 by a socket and by HTTP at once are asked for once", () => {
    const link = pureLink();
    link.toOnline();
    const { credentials } = link.state();
    const generation = credentials.type === "held" ? credentials.generation : 0;
    link.take({ type: "refused", generation });
    link.take({ type: "credentials-needed" });
    link.drop(4401);
    link.take({ type: "refused", generation });
    link.take({ type: "credentials-needed" });
    expect(asked(link)).toEqual(["start 1", "refused 1"]);
    link.credentials();
    expect(link.types()).toEqual(["get-position"]);
    // The answer to a request that was sent with the old ones.
    link.take({ type: "refused", generation });
    expect(link.state()).toMatchObject({ credentials: { type: "held" }, refusals: 1 });
  });

  test("J22 without a signed-in user: `unauthenticated`", () => {
    const link = pureLink();
    link.take({ type: "start" });
    link.credentials("none");
    expect(link.phase()).toEqual({ type: "unauthenticated", reason: "signed-out" });
  });

  test("J22 `authenticate` that fails, or hangs for 30 s, is asked again later", () => {
    const link = pureLink();
    link.take({ type: "start" });
    link.credentials("fault");
    expect(link.phase()).toEqual({ type: "waiting", reason: "network", until: 400 });
    link.tick();
    const late = link.state().generation;
    link.tick();
    expect(link.at).toBe(30_400);
    expect(link.phase()).toMatchObject({ type: "waiting", reason: "network" });
    link.take({ type: "credentials", generation: late, got: { isToken: true, lastMs: Infinity } });
    expect(link.phase()).toMatchObject({ type: "waiting" });
    link.tick();
    expect(asked(link)).toEqual(["start 1", "start 2", "start 3"]);
  });
});

describe("credentials that end", () => {
  const renewing = () => {
    const link = pureLink();
    link.take({ type: "start" });
    link.credentials({ lastMs: 600_000 });
    link.toOnline();
    link.at = 540_000;
    link.take({ type: "tick", lateMs: 0 });
    expect(asked(link)).toEqual(["start 1", "expired 1"]);
    link.pong();
    return link;
  };
  const renewalId = (link: ReturnType<typeof pureLink>): string => {
    const [effect] = link.effects();
    if (effect?.type !== "authenticate") throw new Error("No token was sent");
    return effect.id;
  };

  test("J30 are replaced a minute before, on the open connection", () => {
    const link = renewing();
    link.credentials({ lastMs: 600_000 });
    link.frame({ type: "authenticated", id: renewalId(link) });
    expect(link.phase()).toMatchObject({ type: "live", renewal: null, proof: link.state().generation - 2 });
    expect(link.effects()).toEqual([]);
    expect(link.all.filter(({ type }) => type === "close" || type === "down")).toEqual([]);
  });

  for (const [name, answer] of [
    ["refused", { type: "error", code: "forbidden" }],
    ["not known to the server", { type: "error", code: "bad_frame" }],
    ["not answered in 10 s", null],
  ] as const)
    test(`J30 are replaced by a new connection if the frame is ${name}`, () => {
      const link = renewing();
      link.credentials();
      const id = renewalId(link);
      if (answer === null) {
        link.at += 10_000;
        link.take({ type: "tick", lateMs: 0 });
      } else link.frame({ ...answer, id });
      expect(link.types()).toEqual(["close", "down", "get-position"]);
    });

  test("J30 are sent again later if the server cannot check them now", () => {
    const link = renewing();
    link.credentials();
    link.frame({ type: "error", code: "unavailable", id: renewalId(link) });
    expect(link.phase().type).toBe("live");
    link.at += 30_000;
    link.take({ type: "tick", lateMs: 0 });
    link.pong();
    link.credentials();
    link.frame({ type: "authenticated", id: renewalId(link) });
    expect(link.phase()).toMatchObject({ type: "live", renewal: null });
  });

  test("J30 without a token are replaced by a new connection", () => {
    const link = renewing();
    link.credentials({ isToken: false });
    expect(link.types()).toEqual(["close", "down", "get-position"]);
  });

  test("J30 are asked for again if `authenticate` fails meanwhile", () => {
    const link = renewing();
    link.credentials("fault");
    expect(link.phase().type).toBe("live");
    link.pass(400);
    expect(asked(link).at(-1)).toBe("expired 2");
  });

  test("J30 by the clock of a device that is wrong do not lead to requests without end", () => {
    for (const lastMs of [-3_600_000, 0, 1, 500]) {
      const link = pureLink();
      link.take({ type: "start" });
      link.credentials({ lastMs });
      link.toOnline();
      link.pass(29_999);
      expect(asked(link)).toHaveLength(1);
      const { credentials } = link.state();
      if (lastMs <= 0) expect(credentials).toMatchObject({ type: "held", renewAt: Infinity });
    }
  });
});

describe("a server that greets another", () => {
  for (const fields of [{ user: "bob" }, { tenant: "acme" }])
    test(`J31 ${JSON.stringify(fields)} ends the connection, and nothing is passed on`, () => {
      const link = pureLink();
      link.toGreeting();
      link.frame(welcomeOf(fields));
      expect(link.types()).toEqual(["close"]);
      expect(link.phase()).toEqual({ type: "unauthenticated", reason: "identity" });
      link.take({ type: "retry" });
      expect(asked(link)).toEqual(["start 1", "start 1"]);
    });

  test("J31 in the middle of polling ends it too", () => {
    const link = pureLink();
    link.toOnline();
    link.frame(welcomeOf());
    expect(link.effects()).toEqual([]);
    link.frame(welcomeOf({ user: "bob" }));
    expect(link.types()).toEqual(["close", "down"]);
  });

  test("J31 the tenant is compared where the server names it", () => {
    const link = pureLink();
    link.toGreeting();
    link.frame(welcomeOf({ tenant: "default" }));
    expect(link.phase().type).toBe("live");
  });
});

describe("credentials that are given up", () => {
  const given = (prepare: (link: ReturnType<typeof pureLink>) => void) => {
    const link = pureLink();
    prepare(link);
    link.take({ type: "reauthenticate" });
    return link;
  };

  test("J35 end the connection that they have opened, and the next one begins with others", () => {
    const link = given((one) => one.toOnline());
    expect(link.types()).toEqual(["close", "down", "get-credentials"]);
    expect(link.state()).toMatchObject({ phase: { type: "connecting", at: "credentials" }, failures: 0, refusals: 0 });
    link.credentials({ isToken: false });
    expect(link.types()).toEqual(["get-position"]);
    expect(asked(link)).toEqual(["start 1", "start 1"]);
  });

  test("J35 end a try with them, also one that waits for them", () => {
    expect(given((one) => one.toGreeting()).types()).toEqual(["close", "get-credentials"]);
    const link = given((one) => one.take({ type: "start" }));
    expect(link.types()).toEqual(["get-credentials"]);
    const { credentials, generation } = link.state();
    expect(credentials).toMatchObject({ type: "asking", generation });
    // The answer to the request before.
    link.take({ type: "credentials", generation: generation - 1, got: { isToken: true, lastMs: Infinity } });
    expect(link.state().credentials).toEqual(credentials);
  });

  test("J35 are forgotten by a link that does not connect, and asked for again by one that was refused", () => {
    const idle = given((one) => {
      one.toOnline();
      one.take({ type: "stop" });
    });
    expect(idle.types()).toEqual([]);
    expect(idle.state()).toMatchObject({ phase: { type: "idle" }, credentials: { type: "absent" } });
    const asking = given((one) => one.take({ type: "credentials-needed" }));
    expect(asking.types()).toEqual(["get-credentials"]);
    expect(asking.phase()).toEqual({ type: "idle" });
    const refused = given((one) => {
      one.take({ type: "start" });
      one.credentials("none");
    });
    expect(refused.phase()).toMatchObject({ type: "connecting" });
    expect(refused.types()).toEqual(["get-credentials"]);
  });
});
