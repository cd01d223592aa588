import { expect, test } from "bun:test";
import { isNamedBy, userHeaderOf } from "../../src/protocol/user-header.ts";

test("Q85 T1 any tenant and user fit into a header, and no two look alike", () => {
  expect(userHeaderOf({ tenant: "default", user: "+249912345678" })).toBe("default/%2B249912345678");
  expect(userHeaderOf({ tenant: "a/b", user: "c" })).not.toBe(userHeaderOf({ tenant: "a", user: "b/c" }));
  expect(userHeaderOf({ tenant: "é", user: "auth0|5f" })).toMatch(/^[!-~]+$/);
});

test("Q85 T1 a header names one user, however it is encoded", () => {
  const alice = { tenant: "a/b", user: "+2499" };
  for (const header of [userHeaderOf(alice), "a%2fb/+2499", "%61%2Fb/%2b2499"])
    expect(isNamedBy(header, alice)).toBe(true);
  for (const header of ["", "/", "a/b/+2499", "a%2Fb/+2499/", "a%2Fb%00+2499", "a%2Fb/+249", "%", "a%2Fb"])
    expect(isNamedBy(header, alice)).toBe(false);
});
