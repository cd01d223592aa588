import { expect, test } from "bun:test";
import { hooksOf, type MessageHook, type NamedHook, validateHooks } from "../../src/hook/message-hook.ts";

const hook = (fields: object = {}): MessageHook => ({ handle() {}, ...fields });
const fault = (...hooks: object[]) => validateHooks(hooksOf(hooks.map(hook)));

test("K66 a host gives one hook, several, or none, each with its defaults", () => {
  expect([hooksOf(), hooksOf([])]).toEqual([[], []]);
  expect(hooksOf(hook())).toMatchObject([{ name: "default", begin: "now" }]);
  expect(hooksOf([hook({ name: "a" }), hook({ begin: "start" })])).toMatchObject([{ name: "a" }, { begin: "start" }]);
});

test("K66 a hook may be an object of a class", () => {
  class Greeter {
    count = 0;
    handle(): void {
      this.count++;
    }
  }
  const greeter = new Greeter();
  const [bound] = hooksOf(greeter);
  (bound as unknown as { handle: () => void }).handle();
  expect(greeter.count).toBe(1);
});

test("K73 hooks without a function, with a malformed or doubled name, or too many of them, are refused", () => {
  expect([fault(), fault({}), fault({ name: "a" }, { name: "b" })]).toEqual([null, null, null]);
  expect(fault(...Array.from({ length: 16 }, (_, i) => ({ name: `h${i}` })))).toBeNull();
  expect(fault(...Array.from({ length: 17 }, (_, i) => ({ name: `h${i}` })))).toContain("has 17 hooks");
  for (const name of ["", "a b", "x".repeat(129), 7, null])
    expect([name, fault({ name })]).toEqual([name, expect.stringContaining("needs a name")]);
  expect([fault({ handle: undefined }), fault({ handle: "f" })]).toEqual([
    expect.stringContaining("needs a function"),
    expect.stringContaining("needs a function"),
  ]);
  expect(fault({ begin: "later" })).toContain('begins with "now" or "start"');
  expect(fault({ name: "a" }, {}, { name: "a" })).toContain("have the name a");
  expect(validateHooks([{ name: "a" } as NamedHook])).toContain("needs a function");
});
