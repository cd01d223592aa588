import { expect, test } from "bun:test";
import { userHeaderOf } from "../../src/protocol/user-header.ts";

test("Q85 T1 any tenant and user fit into a header, and no two look alike", () => {
  expect(userHeaderOf({ tenant: "default", user: "+249912345678" })).toBe("default/%2B249912345678");
  expect(userHeaderOf({ tenant: "a/b", user: "c" })).not.toBe(userHeaderOf({ tenant: "a", user: "b/c" }));
  expect(userHeaderOf({ tenant: "é", user: "auth0|5f" })).toMatch(/^[!-~]+$/);
});
