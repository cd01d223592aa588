import { expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import { refuseUnknown } from "../../src/internal/refuse-unknown.ts";

const refused = { code: "bad_request", text: "There is no field" } as const;

test("K80 an unknown property is named with the nearest known one, or with all of them", () => {
  const known = ["user", "tenant"];
  expect(() => refuseUnknown({ tennant: "acme" }, { known, ...refused })).toThrow(
    new ChatError("bad_request", 'There is no field "tennant": did you mean tenant?'),
  );
  expect(() => refuseUnknown({ xyz: 1 }, { known, ...refused })).toThrow('no field "xyz": there are user, tenant');
});

test("K80 known properties, and those of a class, are not refused", () => {
  class Hook {
    name = "mail";
    handle(): void {}
  }
  refuseUnknown(new Hook(), { known: ["name", "handle"], ...refused });
  refuseUnknown({}, { known: ["name"], ...refused });
});
