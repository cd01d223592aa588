import { expect, test } from "bun:test";
import { createTokenSource, type AuthToken } from "../../../src/store/engine/auth-token.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function start(authToken: AuthToken | undefined) {
  const clock = fakeClock(0);
  const source = createTokenSource({ authToken, deadlineMs: 1_000, clock, random: { integer: () => 2 ** 52 - 1 } });
  const get = async (refused?: string, end = clock.elapsed() + 100_000): Promise<string> =>
    await source
      .get(end, refused)
      .catch((error: unknown) => (error instanceof Error ? `refused: ${error.message}` : "refused"));
  return { clock, source, get };
}

test("E23 a text is the token, trimmed; a text that no header may contain is refused at once", async () => {
  const { source, get } = start(" tok\n");
  expect([source.isRenewable, source.known(), await get("tok")]).toEqual([false, "tok", "tok"]);
  expect(start(undefined).source.known()).toBe("");
  for (const wrong of ["a b", "é", "a\nb"])
    expect(() => start(wrong)).toThrow("The token of the database server has blanks");
});

test("E26 a function is asked once for all who need a token, and again once that was refused", async () => {
  let calls = 0;
  const { source, get } = start(async () => ` t${++calls} `);
  expect([source.isRenewable, source.known(), await get(), await get(), calls]).toEqual([true, null, "t1", "t1", 1]);
  expect([source.known(), source.known("t1"), source.known("other")]).toEqual(["t1", null, "t1"]);
  expect(await Promise.all([get("t1"), get("t1")])).toEqual(["t2", "t2"]);
  // One that was refused before is not the present one.
  expect([await get("t1"), calls]).toEqual(["t2", 2]);
});

test("E26 the second call is made at once, the next ones later and later, until a token was good for long", async () => {
  let calls = 0;
  const { clock, get } = start(() => `t${++calls}`);
  await get();
  await get("t1");
  // 1 s must pass before the third call, 2 s before the fourth.
  const third = get("t2");
  await clock.advance(999);
  expect(calls).toBe(2);
  await clock.advance(1);
  expect([await third, calls]).toEqual(["t3", 3]);
  const fourth = get("t3");
  await clock.advance(1_999);
  expect(calls).toBe(3);
  await clock.advance(1);
  expect(await fourth).toBe("t4");
  // A token that has simply expired costs no wait, nor does the question after it.
  await clock.advance(60_000);
  expect([await get("t4"), await get("t5"), calls]).toEqual(["t5", "t6", 6]);
});

test("E26 a caller whose time ends before the next question is refused at once", async () => {
  let calls = 0;
  const { get } = start(() => `t${++calls}`);
  await get();
  await get("t1");
  expect([await get("t2", 500), calls]).toEqual([
    "refused: The token of the database server cannot be had, and is asked for again soon",
    2,
  ]);
});

test("E26 a function that throws, answers no token or is late is unavailable, and is asked again", async () => {
  for (const wrong of [
    () => {
      throw new Error("s3cret");
    },
    () => "",
    () => "a b",
    () => 7 as never,
    () => new Promise<string>(() => {}),
  ]) {
    let answer: () => string | Promise<string> = wrong;
    const { clock, get } = start(() => answer());
    const asked = get();
    await clock.advance(0);
    await clock.advance(1_000);
    expect(await asked).toBe("refused: The token of the database server cannot be had: authToken failed");
    answer = () => "good";
    expect(await get()).toBe("good");
  }
});

test("E26 a source that is closed lets no one wait", async () => {
  const { clock, source, get } = start(() => new Promise(() => {}));
  const waiting = get();
  source.close();
  expect(await waiting).toBe("refused: The database is closed");
  await clock.advance(0);
});
