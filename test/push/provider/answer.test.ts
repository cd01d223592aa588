import { expect, test } from "bun:test";
import { isRedirect, jsonOf, readAnswer, shortAnswer } from "../../../src/push/provider/answer.ts";

test("U23 an answer is read with its headers, and its JSON where it is some", async () => {
  const json = await readAnswer(new Response('{"a":1}', { status: 201, headers: { "Retry-After": "3" } }));
  expect([json.status, json.headers.get("retry-after"), json.text, json.json]).toEqual([201, "3", '{"a":1}', { a: 1 }]);
  const none = await readAnswer(new Response(null, { status: 204 }));
  expect([none.text, none.json]).toEqual(["", undefined]);
  expect([jsonOf("{"), jsonOf("null")]).toEqual([undefined, null]);
});

test("R1 no more than 16 KiB of an answer are read, and the connection is released", async () => {
  let pulls = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++;
      controller.enqueue(new Uint8Array(1_000).fill(97));
    },
    cancel: () => void (isCancelled = true),
  });
  const { text } = await readAnswer(new Response(body));
  expect([text.length, isCancelled]).toEqual([16_384, true]);
  expect(pulls).toBeLessThan(25);
});

test("U23 a character that two pieces share is read as one", async () => {
  const bytes = new TextEncoder().encode("ab€");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 3));
      controller.enqueue(bytes.subarray(3));
      controller.close();
    },
  });
  expect((await readAnswer(new Response(body))).text).toBe("ab€");
});

test("U23 status 0 and those from 300 to 399 are redirects", () => {
  for (const status of [0, 300, 301, 399]) expect([status, isRedirect({ status })]).toEqual([status, true]);
  for (const status of [200, 299, 400, 500]) expect([status, isRedirect({ status })]).toEqual([status, false]);
});

test("U23 X5 an answer is shown in one line of 200 characters, without what is to stay hidden", () => {
  expect(shortAnswer("a\r\n\tb\u0000c ")).toBe("a b c");
  expect(shortAnswer("key s3cret and s3cret", ["", "s3cret"])).toBe("key … and …");
  expect(shortAnswer("x".repeat(200))).toBe("x".repeat(200));
  expect(shortAnswer("x".repeat(201))).toBe(`${"x".repeat(199)}…`);
  // No half of a pair is left where it is cut.
  expect(shortAnswer(`${"x".repeat(198)}😀😀`).isWellFormed()).toBe(true);
});
