import { expect, test } from "bun:test";
import * as v from "valibot";
import { fewestOf, pushOptions } from "../../src/push/options.ts";

const fits = (options: object): boolean => v.is(pushOptions, options);

test("U70 options within their bounds are taken", () => {
  for (const options of [
    {},
    { mutableContent: true, dataOnly: false },
    { channel: "c", sound: "x".repeat(64), category: "my category" },
    { sound: undefined },
    { image: "https://images.example/a.png?size=1" },
    { image: `https://images.example/${"x".repeat(1_000)}` },
  ])
    expect([options, fits(options)]).toEqual([options, true]);
});

test("U70 other options, and values out of their bounds, are refused", () => {
  for (const name of ["", " a", "a ", "a\nb", "x".repeat(65), "\ud800", 7])
    for (const option of ["channel", "sound", "category"])
      expect([option, name, fits({ [option]: name })]).toEqual([option, name, false]);
  for (const image of [
    "http://images.example/a.png",
    "https://user@images.example/a.png",
    "https://images.example/a b.png",
    "images.example/a.png",
    `https://images.example/${"x".repeat(1_024)}`,
    7,
  ])
    expect([image, fits({ image })]).toEqual([image, false]);
  for (const options of [{ dataOnly: "yes" }, { mutableContent: 1 }, { more: true }])
    expect([options, fits(options)]).toEqual([options, false]);
});

test("U24 U70 where a provider refuses more, an app that shows by itself still does", () => {
  const all = { mutableContent: true, channel: "c", sound: "s", category: "k", image: "https://i.example/" };
  expect([fewestOf({ ...all, dataOnly: true }), fewestOf(all), fewestOf({ ...all, dataOnly: false })]).toEqual([
    { dataOnly: true },
    {},
    {},
  ]);
});
