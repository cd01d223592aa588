import { expect, test } from "bun:test";
import { parseRows, parseText } from "../../src/feed/notice-text.ts";

const row =
  '[0,{"tenant":"t","users":["a"],"change":{"kind":"receipt","n":2,"conversation":"c","user":"a","delivered":1,"read":0}}]';

test("F20: a divided notice has its audiences and the rows for all nodes; one that cannot be read is one without entries", () => {
  const text = (names: string, all: string): string =>
    `{"from":1,"to":2,"kinds":["receipt"],"for":"${names}","all":${all}}`;
  expect(parseText(text("AAAAAABBBBBB", `[${row}]`))).toMatchObject({
    ...{ from: 1, to: 2, audiences: ["AAAAAA", "BBBBBB"] },
    rows: [[0, { tenant: "t" }]],
  });
  expect(parseText(text("", "[]"))).toEqual({ from: 1, to: 2, audiences: [], rows: [] });
  for (const bad of [text("AAAAA", "[]"), text("", "7"), text("", "[[0,{}]]"), text("", "[7]")])
    expect(parseText(bad)).toEqual({ from: 1, to: 2 });
  expect(parseText('{"from":3,"to":2,"kinds":[],"for":"","all":[]}')).toBeNull();
});

test("F20 O11: rows of a user are read, others of this subject are not; an unknown kind is reported", () => {
  const text = (rows: string): string => `{"from":1,"to":2,"for":"AAAAAA","rows":${rows}}`;
  expect(parseRows(text(`[${row}]`))).toMatchObject({ from: 1, to: 2, audience: "AAAAAA" });
  for (const bad of ['{"frame":"x"}', "", '{"from":', '{"from":1}', text("7"), text("[7]"), text('[["a",{}]]')])
    expect(parseRows(bad)).toBeNull();
  expect(parseRows(text(`[${row.replace('"delivered":1,', "")}]`))).toBeNull();
  expect(parseRows(text(`[${row.replace("receipt", "sticker")}]`))).toEqual({ unknown: "sticker" });
  expect(parseText('{"from":1,"to":2,"kinds":["sticker"],"for":"","all":[]}')).toEqual({ unknown: "sticker" });
});
