import { expect, test } from "bun:test";
import { bytesOf, pointOf } from "../../../src/push/provider/base64url.ts";

const encode = (bytes: number[]): string => Buffer.from(bytes).toString("base64url");

test("U16 a text is read as bytes of the wanted length, padded or not", () => {
  expect(bytesOf("-_8", 2)).toEqual(new Uint8Array([0xfb, 0xff]));
  expect(bytesOf("-_8=", 2)).toEqual(new Uint8Array([0xfb, 0xff]));
  expect(bytesOf("AAAA", 3)).toEqual(new Uint8Array(3));
  for (const [text, length] of [
    ["-_8", 3],
    ["", 0],
    ["+/8=", 2],
    ["-_8===", 2],
    ["-_ 8", 2],
    ["=-_8", 2],
    ["A".repeat(129), 96],
    [null, 0],
    [7, 1],
    [["AAAA"], 3],
  ] as const)
    expect([text, bytesOf(text, length)]).toEqual([text, null]);
});

test("U16 a point has 65 bytes, of which the first is 4", () => {
  expect(pointOf(encode([4, ...Array<number>(64).fill(1)]))?.length).toBe(65);
  for (const wrong of [[2, ...Array<number>(64).fill(1)], [4, ...Array<number>(63).fill(1)], [4], []])
    expect(pointOf(encode(wrong))).toBeNull();
});
