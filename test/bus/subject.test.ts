import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeSubject, subjectBytesMax } from "../../src/bus/subject.ts";
import { alike, anySubject } from "./transport.contract.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The subject of a text that `encodeSubject` made. */
const decodeSubject = (text: string): readonly string[] =>
  text
    .split(".")
    .map((part) =>
      part.replace(/(?:=[0-9A-F]{2})+/g, (escaped) =>
        decoder.decode(Uint8Array.from(escaped.slice(1).split("="), (digits) => Number.parseInt(digits, 16))),
      ),
    );

test("F7: a subject is read back from its text, which holds nothing that NATS takes for more than a name", () => {
  const check = (subject: readonly string[]): void => {
    const text = encodeSubject(subject);
    if (text === null) throw new Error("The subject cannot be carried");
    expect(decodeSubject(text)).toEqual([...subject]);
    expect(text).toMatch(/^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/);
    expect(text.length).toBeLessThanOrEqual(subjectBytesMax);
  };
  for (const subject of alike) check(subject);
  fc.assert(fc.property(anySubject, check), { numRuns: 2_000 });
});

test("F7: two subjects have two texts", () => {
  fc.assert(
    fc.property(anySubject, anySubject, (one, other) => {
      expect(encodeSubject(one) === encodeSubject(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 2_000 },
  );
  // The two may differ only in how a text is cut.
  fc.assert(
    fc.property(anySubject, fc.nat(), (subject, at) => {
      const whole = subject.join(".");
      const [before, after] = [whole.slice(0, at % whole.length), whole.slice(at % whole.length)];
      const cut = [before, after].filter((part) => part !== "" && part.isWellFormed());
      if (cut.join("") !== whole || JSON.stringify(cut) === JSON.stringify(subject)) return;
      expect(encodeSubject(cut)).not.toBe(encodeSubject(subject));
    }),
    { numRuns: 2_000 },
  );
});

test("F7: names that need no care stay readable; five of the longest that do fit", () => {
  expect(encodeSubject(["presence", "acme", "alice-1"])).toBe("presence.acme.alice-1");
  expect(encodeSubject(["user", "acme", "al.ice@shop"])).toBe("user.acme.al=2Eice=40shop");
  const longest = "@".repeat(128);
  expect(encodeSubject(Array<string>(5).fill(longest))).not.toBeNull();
  expect(encodeSubject(Array<string>(6).fill(longest))).toBeNull();
  expect(encodeSubject(["x".repeat(subjectBytesMax)])).not.toBeNull();
  expect(encodeSubject(["x".repeat(subjectBytesMax + 1)])).toBeNull();
});
