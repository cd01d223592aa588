import { expect, test } from "bun:test";
import { type PushProvider, validateProviders } from "../../src/push/provider.ts";

const provider = (fields: object = {}): PushProvider => ({
  name: "sms",
  expects: "a number",
  parse: () => null,
  send: async () => ({ type: "sent", answer: "" }),
  ...fields,
});

test("U11 providers with names of their own are valid", () => {
  expect(validateProviders([])).toBeNull();
  expect(validateProviders([provider(), provider({ name: "a".repeat(32) }), provider({ name: "0-9" })])).toBeNull();
});

test("U11 a provider without a name, or without a function, and two of one name are refused", () => {
  for (const name of ["", "SMS", "a b", "a".repeat(33), undefined, 7])
    expect([name, validateProviders([provider({ name })])]).toEqual([
      name,
      expect.stringContaining("1 to 32 characters"),
    ]);
  for (const fields of [{ parse: undefined }, { send: "send" }])
    expect(validateProviders([provider(fields)])).toBe("The push provider sms needs parse and send");
  expect(validateProviders([provider(), provider({ name: "other" }), provider()])).toBe(
    "There are two push providers named sms",
  );
});
