import fc from "fast-check";
import { validateContent } from "../../../../src/protocol/decode.ts";
import { defaultLimits } from "../../../../src/protocol/limits.ts";
import type { Store } from "../../../../src/store/store.ts";
import { append, newId, person, readAll } from "../../../support/store.ts";
import { shownText, type Target } from "../target.ts";

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      "\0",
      "\ud800",
      "\udc00",
      "\u{10ffff}",
      "\ufeff",
      "\u202e",
      "é",
      "e\u0301",
      "\r\n",
      '"',
      "\\",
      "'",
      "a",
    ),
    maxLength: 12,
  }),
  fc.constantFrom("😀".repeat(4_096), "\u0001".repeat(16_384), "é".repeat(8_193), "\ufffe", "1e999", "null", "\u0000"),
);

/** Texts through a real store: an accepted text comes back byte for byte, all others are refused at the door. */
export const textTarget = (store: Store): Target => ({
  name: "text",
  async try(seed, count) {
    const tenant = `t${seed}`;
    const drawn = fc.sample(texts, { seed, numRuns: count });
    const taken = drawn.filter((text) => validateContent({ text, to: "bob" }, defaultLimits) === null);
    const outcomes = await Promise.all(
      taken.map((text) => append(store, { tenant, from: "alice", to: "bob", id: newId(), text })),
    );
    const { changes } = await readAll(store, person("bob", tenant));
    const violations: string[] = [];
    taken.forEach((text, i) => {
      const outcome = outcomes[i];
      const change = changes[i];
      if (outcome?.type !== "accepted") violations.push(`text, seed ${seed}: the store refused ${shownText(text)}`);
      else if (change?.kind !== "message" || !Buffer.from(change.text).equals(Buffer.from(text)))
        violations.push(`text, seed ${seed}: another text came back for ${shownText(text)}`);
    });
    return { cases: drawn.length, violations: violations.slice(0, 5) };
  },
});
