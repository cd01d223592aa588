import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { deadlineOf, type LinkEvent } from "../../../src/client/link/state.ts";
import { idle, type PureLink, pureLink, welcomeOf } from "./steps.ts";

/** What happens to a link, from all sides. */
type Deed = (link: PureLink) => void;

const event =
  (value: LinkEvent): Deed =>
  (link) =>
    link.take(value);
const occasions = ["visible", "hidden", "online", "offline", "resumed", "leaving"] as const;
const codes = [1000, 1001, 1002, 1006, 1011, 1012, 1013, 4401, 4429, 4501, 4999];

const wishes = (
  ["start", "stop", "retry", "reauthenticate", "probe", "used", "caught-up", "credentials-needed"] as const
).map((type) => event({ type } as LinkEvent));

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom(...wishes, event({ type: "reconnect" }), event({ type: "reconnect", waitMs: 500 })),
  fc.constantFrom(...occasions).map((occasion) => event({ type: "occasion", occasion })),
  fc.nat(200_000).map((lateMs) => (link: PureLink) => {
    if (deadlineOf(link.state()) < Infinity) link.tick(lateMs > 100_000 ? lateMs : 0);
  }),
  fc.nat(20_000).map((ms) => (link: PureLink) => void (link.at += ms)),
  fc
    .constantFrom("none" as const, "fault" as const, {}, { isToken: false }, { lastMs: 1 }, { lastMs: 600_000 })
    .map((got) => (link: PureLink) => link.credentials(got)),
  fc.constantFrom<Deed>(
    (link) => link.position(),
    (link) => link.toLive(),
    (link) => link.toOnline(),
  ),
  fc.constant<Deed>((link) => link.take({ type: "position", generation: link.state().connection, position: null })),
  fc.constantFrom("alice", "alice", "alice", "bob").map((user) => (link: PureLink) => link.frame(welcomeOf({ user }))),
  fc.nat(30).map((id) => (link: PureLink) => link.frame({ type: "pong", id: String(id) })),
  fc.constantFrom("authenticated", "error", "typing").map((type) => (link: PureLink) => {
    const { phase } = link.state();
    const id = phase.type === "live" ? phase.renewal?.id : undefined;
    link.frame({ type, code: "unavailable", ...(id !== undefined && { id }) });
  }),
  fc.constantFrom(...codes).map((code) => (link: PureLink) => link.drop(code, "")),
  fc.constantFrom(0, 401, 403, 404, 429, 503).map((status) => (link: PureLink) => link.fail(status)),
  fc.constant<Deed>((link) => link.explain()),
  fc.nat(30).map((generation) => event({ type: "refused", generation })),
  // Late results of ended work.
  fc.nat(30).map((generation) => (link: PureLink) => {
    if (generation !== link.state().connection)
      link.take({ type: "frame", generation, frame: welcomeOf({ user: "mallory" }) });
  }),
);

/** Checks the rules of every step. */
function watch(link: PureLink): () => void {
  let open: "none" | "opened" | "welcomed" = "none";
  let asked = 0;
  let seen = 0;
  return () => {
    const fresh = link.all.slice(seen);
    seen = link.all.length;
    for (const effect of fresh) {
      if (effect.type === "open") {
        expect(open).toBe("none");
        open = "opened";
      } else if (effect.type === "close") {
        if (open !== "welcomed") open = "none";
      } else if (effect.type === "down") {
        expect(open).toBe("welcomed");
        open = "none";
      } else if (effect.type === "welcome") {
        expect(open).toBe("opened");
        open = "welcomed";
      } else if (["frame", "ping", "authenticate"].includes(effect.type)) expect(open).toBe("welcomed");
      else if (effect.type === "get-credentials") {
        expect(effect.generation).toBeGreaterThan(asked);
        asked = effect.generation;
      }
    }
    const { phase, credentials, connection, generation } = link.state();
    expect(open === "welcomed").toBe(phase.type === "live");
    expect(connection).toBeLessThanOrEqual(generation);
    // The one request for credentials that is under way is the newest.
    if (credentials.type === "asking") expect(credentials.generation).toBe(asked);
    if (phase.type === "connecting" && phase.at === "credentials") expect(credentials.type).toBe("asking");
    if (["connecting", "waiting", "live"].includes(phase.type)) expect(deadlineOf(link.state())).toBeLessThan(Infinity);
  };
}

/** Everything works from now on. */
function serve(link: PureLink): void {
  for (let left = 30; left > 0 && link.phase().type !== "live"; left--) {
    const { phase, credentials } = link.state();
    if (credentials.type === "asking") link.credentials();
    else if (phase.type === "connecting" && phase.at === "position") link.position();
    else if (phase.type === "connecting" && phase.at === "greeting") link.frame(welcomeOf());
    else if (phase.type === "connecting") link.explain();
    else if (phase.type === "waiting") link.tick();
  }
}

const runs = { numRuns: 3_000 };
const lives = fc.array(deeds, { maxLength: 60 });

describe("the link under any sequence of events", () => {
  test("J20 J21 J22 has one connection and one request for credentials at a time, and a timer wherever it waits", () => {
    fc.assert(
      fc.property(lives, (life) => {
        const link = pureLink();
        const check = watch(link);
        for (const deed of [event({ type: "start" }), ...life]) {
          deed(link);
          check();
        }
      }),
      runs,
    );
  });

  test("J20 a timer that has fired is not due again at once", () => {
    fc.assert(
      fc.property(lives, (life) => {
        const link = pureLink();
        for (const deed of [event({ type: "start" }), ...life]) deed(link);
        for (let left = 5; left > 0 && deadlineOf(link.state()) < Infinity; left--) {
          link.tick();
          expect(deadlineOf(link.state())).toBeGreaterThan(link.at);
        }
      }),
      runs,
    );
  });

  test("J20 from every state, an occasion leads to a connection where the server serves", () => {
    fc.assert(
      fc.property(lives, (life) => {
        const link = pureLink();
        for (const deed of life) deed(link);
        link.take({ type: "occasion", occasion: "online" });
        link.take({ type: "occasion", occasion: "visible" });
        link.take({ type: "start" });
        link.take({ type: "retry" });
        serve(link);
        expect(link.phase().type).toBe("live");
      }),
      runs,
    );
  });

  test("J20 nothing leads on from closed", () => {
    fc.assert(
      fc.property(lives, (life) => {
        const link = pureLink();
        for (const deed of [event({ type: "start" }), ...life.slice(0, 20)]) deed(link);
        link.take({ type: "close" });
        const before = link.all.length;
        for (const deed of life) deed(link);
        expect(link.all.slice(before)).toEqual([]);
        expect(link.phase()).toEqual({ type: "closed" });
        expect(deadlineOf(link.state())).toBe(Infinity);
      }),
      runs,
    );
  });

  test("J20 a step changes no state that it was given", () => {
    expect(Object.isFrozen(Object.freeze(idle))).toBe(true);
    const link = pureLink(Object.freeze(idle));
    link.toOnline();
    expect(idle.phase).toEqual({ type: "idle" });
  });
});
