import { expect, test } from "bun:test";
import { contentOf, isEmojiOnly, partsOf, previewOf } from "../../src/web/text.ts";

test("W30 a preview is cut between signs, never inside one, and has one line", () => {
  expect(previewOf("short\n\n  text ")).toBe("short text");
  const family = "👩‍👩‍👧‍👦";
  for (const before of Array.from({ length: 12 }, (_, at) => "x".repeat(110 + at))) {
    const preview = previewOf(`${before}${family}${family}${family}`);
    expect(preview.isWellFormed()).toBe(true);
    expect(preview.replaceAll(family, "")).toMatch(/^x+…$/);
    expect(preview.length).toBeLessThanOrEqual(121);
  }
  expect(previewOf(`${"y".repeat(479)}😀${"y".repeat(9)}`).isWellFormed()).toBe(true);
});

test("W32 what is sent keeps its indentation, and has no NUL, no half character and no blank line around", () => {
  expect(contentOf("  a\n\tb")).toBe("  a\n\tb");
  expect(contentOf(" \n\n  a \n\n")).toBe("  a");
  expect(contentOf(" \n\t ")).toBe("");
  expect(contentOf("a\0b\uD83D")).toBe("ab\uFFFD");
});

test("W37 only http and https become links, without the sign that ends the sentence", () => {
  const linksIn = (text: string) => partsOf(text).flatMap(({ href }) => href ?? []);
  expect(linksIn("https://a.example, http://b.example/x_(y)! (https://c.example/d)")).toEqual([
    ...["https://a.example/", "http://b.example/x_(y)", "https://c.example/d"],
  ]);
  for (const text of [
    "javascript:alert(1)",
    "JAVASCRIPT://x",
    "data:text/html,x",
    "//evil.example",
    "ftp://x",
    "xhttps://x",
    "https://",
    "file:///etc",
  ])
    expect(linksIn(text)).toEqual([]);
  expect(linksIn("HTTPS://A.EXAMPLE/<img src=x>")).toEqual(["https://a.example/"]);
  // An address ends where the text could change its direction.
  expect(linksIn("https://a.example/\u202Egpj.exe")).toEqual(["https://a.example/"]);
  for (const text of ["", "a https://b.example c", "https://a.example"])
    expect(
      partsOf(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  expect(partsOf("https://a.example ".repeat(1_000)).length).toBeLessThanOrEqual(203);
});

test("W47 up to six emoji and nothing else are shown larger", () => {
  for (const text of ["🎉", "👩‍👩‍👧‍👦 👍🏽", "❤️", "🇩🇪", "🎉🎉🎉🎉🎉🎉"])
    expect([text, isEmojiOnly(text)]).toEqual([text, true]);
  for (const text of ["", " ", "1", "12", "#", "a🎉", "🎉 x", "🎉🎉🎉🎉🎉🎉🎉", "."])
    expect([text, isEmojiOnly(text)]).toEqual([text, false]);
});

test("W55 a text of any signs is split, previewed and looked through for emoji in a time that grows no faster than it", () => {
  const elapsed = (work: () => unknown): number => {
    const before = performance.now();
    work();
    return performance.now() - before;
  };
  const brackets = ")".repeat(16_300);
  expect(partsOf(`http://a${brackets}`)).toEqual([{ text: "http://a", href: "http://a/" }, { text: brackets }]);
  expect(partsOf("http://a/(b))").map(({ text }) => text)).toEqual(["http://a/(b))"]);
  // Compared with patterns that try each part of a row of signs.
  const signs = `${"!".repeat(12_000)}a`;
  const slow = elapsed(() => /!+$/.test(signs));
  for (const text of [signs, `${")".repeat(12_000)}a`, `a${"!".repeat(12_000)}`, " ".repeat(12_000)])
    expect(elapsed(() => [partsOf(`http://${text}`), previewOf(text)])).toBeLessThan(slow / 4);
  // A tone of skin is an emoji, and belongs to the one before it.
  const tones = `${"🏻".repeat(47)}x`;
  const slowEmoji = elapsed(() => /^(?:\p{Emoji_Presentation}\p{EMod}*){1,6}$/u.test(tones));
  expect(elapsed(() => isEmojiOnly(tones))).toBeLessThan(slowEmoji / 4);
  expect(isEmojiOnly("🏻🏻 👍🏽🎉")).toBe(true);
});
