import { describe, expect, test } from "bun:test";
import { createChat } from "../src/chat.ts";
import type { ChatOptions } from "../src/chat-options.ts";
import { checkOptions } from "../src/check-options.ts";
import { ChatError } from "../src/error.ts";

const good: ChatOptions = { database: { url: "file:chat.db" }, authenticate: () => null };

/** What plain JavaScript may give, and the text with which it is refused. */
function refusalOf(options: unknown): string {
  try {
    checkOptions(options as ChatOptions);
    return "taken";
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    expect(error.code).toBe("config_invalid");
    return error.message;
  }
}

describe("options that no chat can be made with", () => {
  test("K80 good options are taken, also where one is undefined", () => {
    expect(refusalOf(good)).toBe("taken");
    expect(refusalOf({ ...good, origins: undefined, limits: { sendWindow: 8 }, onMessage: [] })).toBe("taken");
    class Bot {
      name = "bot";
      handle(): void {}
    }
    expect(refusalOf({ ...good, onMessage: new Bot() })).toBe("taken");
    expect(refusalOf({ ...good, database: () => ({ url: "file:a.db" }) })).toBe("taken");
  });

  const misspelt: readonly (readonly [object, string])[] = [
    [{ onMesage: {} }, 'createChat has no option "onMesage": did you mean onMessage?'],
    [{ origin: "http://localhost" }, 'createChat has no option "origin": did you mean origins?'],
    [{ limits: { heartbeat: 3 } }, 'There is no limit "heartbeat": did you mean heartbeatMs?'],
    [{ database: { url: "file:a.db", authtoken: "x" } }, 'database has no option "authtoken": did you mean authToken?'],
    [{ onMessage: { handler() {}, name: "bot" } }, 'A hook of onMessage has no option "handler": did you mean handle?'],
  ];
  for (const [options, text] of misspelt)
    test(`K80 ${text}`, () => expect(refusalOf({ ...good, ...options })).toBe(text));

  test("K80 where nothing is like it, all that there is is named", () => {
    expect(refusalOf({ ...good, zzzzzzzzzzzzzzz: 1 })).toContain(": there are database, authenticate, origins,");
  });

  const mistyped: readonly (readonly [unknown, string])[] = [
    [undefined, "createChat needs its options as an object, got undefined"],
    [{ ...good, origins: "http://localhost" }, 'origins must be a list, got the text "http://localhost"'],
    [{ ...good, push: {} }, "push must be a list, got an object"],
    [{ ...good, authorize: "all" }, 'authorize must be a function, got the text "all"'],
    [{ ...good, limits: [] }, "limits must be an object, got a list"],
    [{ ...good, base: 7 }, "base must be a text, got 7"],
    [
      { ...good, limits: { heartbeatMs: "25000" } },
      'The limits do not fit together: heartbeatMs is the text "25000", and must be a number from 0',
    ],
    [
      { ...good, database: "file:chat.db" },
      "createChat needs database: { url }, or a function that names one for a tenant",
    ],
    [{ ...good, onMessage: null }, "onMessage is a hook { handle }, or a list of hooks, got null"],
    [{ ...good, onMessage: ["bot"] }, 'onMessage is a hook { handle }, or a list of hooks, got the text "bot"'],
    [
      { ...good, limits: { hookLeaseMs: 0 } },
      "The limits do not fit together: hookLeaseMs is 0, and must be at least 100",
    ],
    [{ database: good.database }, "createChat needs authenticate: it alone says who makes a request"],
  ];
  for (const [options, text] of mistyped) test(`K80 ${text}`, () => expect(refusalOf(options)).toBe(text));

  test("K80 createChat refuses them before it opens anything", () => {
    expect(() => createChat({ ...good, ...({ onMesage: {} } as object) })).toThrow("did you mean onMessage?");
  });
});
