import { describe, expect, test } from "bun:test";
import type { Answer, Ask } from "../../../src/client/link/contract.ts";
import { fakeLink } from "./fake-environment.ts";

const blocks: Ask = { method: "GET", path: "/blocks?limit=5" };

/** A link that asks, with the answers in the order in which they came. */
function asking(options: Parameters<typeof fakeLink>[0] = {}) {
  const fake = fakeLink(options);
  const answers: Answer[] = [];
  return {
    ...fake,
    answers,
    ask: (request: Ask = blocks) => void fake.link.ask(request).then((answer) => answers.push(answer)),
  };
}

/** Each answer of a server, as the caller gets it. */
const answered: readonly (readonly [status: number, body: object | string | null, answer: object])[] = [
  [200, { blocks: [] }, { ok: true, status: 200, body: { blocks: [] } }],
  [204, null, { ok: true, status: 204, body: null }],
  [
    404,
    { code: "not_found", detail: "No such" },
    { ok: false, status: 404, code: "not_found", message: "No such", retry: false },
  ],
  [409, { code: "conflict", detail: "" }, { ok: false, status: 409, code: "conflict", retry: false }],
  [429, { code: "rate_limited", detail: "" }, { ok: false, code: "rate_limited", retry: true, retryAfterMs: 7_000 }],
  [503, "<html>", { ok: false, status: 503, code: "http_503", retry: true, retryAfterMs: 7_000 }],
  [413, "null", { ok: false, status: 413, code: "http_413", retry: false }],
  // The login page of a network, and a place where no chat is.
  [200, "<html>", { ok: false, status: 0, code: "foreign", retry: true }],
  [404, "<html>", { ok: false, status: 0, code: "foreign", retry: true }],
  [404, { error: "Not found" }, { ok: false, status: 0, code: "foreign", retry: true }],
];

describe("requests over the link", () => {
  for (const [status, body, answer] of answered)
    test(`J32 ${status} ${JSON.stringify(body)} is answered ${JSON.stringify(answer)}`, async () => {
      const { ask, settle, request, answers } = asking();
      ask();
      await settle();
      expect(request()).toMatchObject({ method: "GET", path: "/chat/blocks", query: { limit: "5" } });
      await request().answer(status, body, { "retry-after": "7" });
      expect(answers).toMatchObject([answer]);
    });

  test("J32 a network that fails, and a server that hangs for 15 s, are answered with status 0", async () => {
    const { ask, settle, request, requests, answers, clock } = asking();
    ask();
    await settle();
    await request().fail();
    ask();
    await clock.advance(14_999);
    expect(answers).toMatchObject([{ status: 0, code: "network", retry: true }]);
    await clock.advance(1);
    expect(answers).toMatchObject([{ status: 0 }, { status: 0, code: "network", retry: true }]);
    expect(requests[1]?.isAborted()).toBe(true);
  });

  test("J32 a body is sent as JSON", async () => {
    const { ask, settle, request } = asking();
    ask({ method: "POST", path: "/contacts", body: { users: ["bob"] } });
    await settle();
    expect(request().body).toEqual({ users: ["bob"] });
  });

  test("J32 at most four are under way, and at most 64 wait", async () => {
    const { ask, settle, requests, answers } = asking();
    for (let i = 0; i < 70; i++) ask();
    await settle();
    expect(requests).toHaveLength(4);
    // The credentials came after the calls: none was under way yet.
    expect(answers).toHaveLength(6);
    expect(answers[0]).toMatchObject({ ok: false, status: 0, code: "busy", retry: true });
    for (let i = 0; i < 64; i++) await requests[i]?.answer(204);
    await settle();
    expect(answers.filter(({ ok }) => ok)).toHaveLength(64);
    expect(requests).toHaveLength(64);
  });

  test("J32 wait for credentials, and one 401 leads to fresh ones", async () => {
    const given = Promise.withResolvers<{ token: string }>();
    let count = 0;
    const { ask, settle, request, requests, answers } = asking({
      authenticate: async () => (count++ === 0 ? await given.promise : { token: "t2" }),
    });
    ask();
    await settle();
    expect(requests).toEqual([]);
    given.resolve({ token: "t1" });
    await settle();
    expect(request().token).toBe("Bearer t1");
    await request().answer(401, {});
    await settle();
    expect(request().token).toBe("Bearer t2");
    await request().answer(401, { code: "unauthenticated" });
    expect(answers).toMatchObject([{ status: 401, code: "unauthenticated" }]);
    expect(requests).toHaveLength(2);
  });

  test("J32 are answered when no user is signed in, and when `authenticate` fails", async () => {
    for (const authenticate of [async () => null, async () => await Promise.reject(new Error("no network"))]) {
      const { ask, settle, answers, link, requests } = asking({ authenticate });
      ask();
      await settle();
      link.start();
      await settle();
      ask();
      await settle();
      expect(answers).toMatchObject([
        { ok: false, code: "unauthenticated", retry: true },
        { ok: false, code: "unauthenticated", retry: true },
      ]);
      expect(requests).toEqual([]);
    }
  });

  test("J31 J32 end when the server greets another user, and none is sent as that user", async () => {
    const { ask, settle, answers, link, requests, socket } = asking({ user: "bob" });
    link.start();
    ask();
    await settle();
    const before = requests.length;
    socket().welcome();
    ask();
    await settle();
    expect(requests).toHaveLength(before);
    expect(answers).toMatchObject([
      { ok: false, status: 0, code: "unauthenticated", message: "identity" },
      { ok: false, status: 0, code: "unauthenticated", message: "identity" },
    ]);
  });

  test("J31 an answer for another user or tenant is thrown away, and nothing more is asked", async () => {
    for (const named of ["default/bob", "acme/alice", "alice"]) {
      const { ask, settle, answers, request, requests, calls } = asking();
      ask();
      ask();
      await settle();
      await request().answer(200, { blocks: ["mallory"] }, { "tidings-user": named });
      ask();
      await settle();
      expect(requests).toHaveLength(2);
      expect(answers).toMatchObject(Array(3).fill({ ok: false, code: "unauthenticated", message: "identity" }));
      expect(calls.at(-1)).toBe("unauthenticated identity");
    }
    const { ask, settle, answers, request } = asking();
    ask();
    await settle();
    await request().answer(200, { blocks: [] }, { "tidings-user": "default/alice" });
    expect(answers).toMatchObject([{ ok: true }]);
  });

  test("J25 J31 once the server has named its user, an answer without that name is none of its own", async () => {
    const { ask, settle, answers, request } = asking();
    const own = { "tidings-user": "default/alice" };
    const answer = async (status: number, body: object | null, headers: object = {}): Promise<unknown> => {
      ask();
      await settle();
      await request().answer(status, body, headers as Record<string, string>);
      return answers.at(-1);
    };
    // An older server names nobody.
    expect(await answer(200, { blocks: [] })).toMatchObject({ ok: true });
    expect(await answer(200, { blocks: [] }, own)).toMatchObject({ ok: true });
    for (const body of [{ login: "required" }, null])
      expect(await answer(200, body)).toMatchObject({ ok: false, status: 0, code: "foreign", retry: true });
    // Its body was replaced on the way.
    expect(await answer(404, { error: "Not found" }, own)).toMatchObject({ status: 404, retry: false });
  });

  test("J31 a write names its user, unless a token does", async () => {
    const block: Ask = { method: "PUT", path: "/blocks/bob" };
    for (const [authenticate, named] of [
      [async () => ({}), "default/alice"],
      [async () => ({ token: "t" }), null],
    ] as const) {
      const { link, settle, request } = fakeLink({ authenticate });
      void link.ask(block);
      await settle();
      expect(request().headers.get("tidings-user")).toBe(named);
    }
  });

  test("J24 J32 end when the user is banned, for good", async () => {
    const { ask, settle, answers, toOnline, socket } = asking();
    await toOnline();
    ask();
    await settle();
    socket().drop(4501, "spam");
    ask();
    await settle();
    const banned = { ok: false, status: 403, code: "banned", message: "spam", retry: false };
    expect(answers).toMatchObject([banned, banned]);
  });

  test("J32 end with the link", async () => {
    const { ask, settle, answers, link, requests } = asking();
    for (let i = 0; i < 6; i++) ask();
    await settle();
    link.close();
    ask();
    await settle();
    expect(answers.map((answer) => (answer.ok ? "" : answer.code))).toEqual(Array.from({ length: 7 }, () => "closed"));
    expect(requests.every((request) => request.isAborted())).toBe(true);
  });
});
