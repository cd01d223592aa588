import { expect, test } from "bun:test";
import type { Reauthenticate } from "../../../src/access/authenticate.ts";
import { authenticate } from "../../../src/hub/frame/authenticate.ts";
import type { HandlerContext } from "../../../src/hub/frame/handler.ts";

const session = { tenant: "t", user: "alice" };

async function ask(
  reauthenticate: Reauthenticate | undefined,
  { isOpen = true, isExtended = true, id }: { isOpen?: boolean; isExtended?: boolean; id?: string } = {},
) {
  const ends: (number | undefined)[] = [];
  const connection = {
    session,
    url: "/ws",
    isOpen: () => isOpen,
    extend: (end: number | undefined) => (ends.push(end), isExtended),
  };
  const frame = { type: "authenticate", token: "tok", ...(id !== undefined && { id }) } as const;
  return { answer: await authenticate(connection, frame, { reauthenticate } as HandlerContext), ends };
}

test("P53 a new token of the same user moves the end of the session, and nothing else of it", async () => {
  let given: unknown;
  const { answer, ends } = await ask(
    async (token, { url }) => ((given = [token, url]), { ...session, expiresAt: 9, isHost: true }),
    { id: "1" },
  );
  expect([answer, ends, given]).toEqual([{ type: "authenticated", expiresAt: 9, id: "1" }, [9], ["tok", "/ws"]]);
  expect(await ask(async () => session)).toEqual({ answer: { type: "authenticated" }, ends: [undefined] });
});

test("P53 a token that proves nothing, or another user, changes nothing", async () => {
  const refused = await ask(async () => ({ code: "unauthenticated", text: "no" }), { id: "1" });
  expect(refused).toEqual({ answer: { type: "error", code: "unauthenticated", message: "no", id: "1" }, ends: [] });
  for (const other of [
    { tenant: "t", user: "bob" },
    { tenant: "u", user: "alice" },
  ])
    expect(await ask(async () => other)).toMatchObject({ answer: { type: "error", code: "forbidden" }, ends: [] });
  expect(await ask(undefined)).toMatchObject({ answer: { type: "error", code: "unavailable" }, ends: [] });
});

test("H14 P53 a session that has ended meanwhile is not brought back, and gets no answer", async () => {
  expect(await ask(async () => session, { isOpen: false })).toEqual({ answer: undefined, ends: [] });
  expect((await ask(async () => ({ ...session, expiresAt: 1 }), { isExtended: false })).answer).toBeUndefined();
});
