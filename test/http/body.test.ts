import { expect, test } from "bun:test";
import * as v from "valibot";
import { readBody } from "../../src/http/body.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const schema = v.strictObject({ name: v.optional(v.string()) });
const limits = { ...defaultLimits, frameBytesMax: 40 };

async function read(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  { type = "application/json", isOptional = false } = {},
): Promise<unknown> {
  const request = new Request("http://h/", { method: "POST", body, headers: { "content-type": type } });
  return await readBody({ request, limits }, schema, { isOptional }).catch((error: unknown) => error);
}
const refusal = (code: string, text: string) => ({ code, message: expect.stringContaining(text) as string });

test("X9 a body is JSON that fits, by its type and its content", async () => {
  for (const type of ["application/json", "application/JSON; charset=utf-8", "application/json ;x"])
    expect(await read('{"name":"a"}', { type })).toEqual({ name: "a" });
  for (const type of ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""])
    expect(await read("{}", { type })).toMatchObject(refusal("bad_request", "Content-Type"));
  expect(await read("{name")).toMatchObject(refusal("bad_request", "is not JSON"));
  expect(await read('{"name":7}')).toMatchObject(refusal("bad_request", "malformed at name"));
  expect(await read('{"more":7}')).toMatchObject(refusal("bad_request", "malformed at more: there is no such field"));
});

test("P35 a body of the limit is read, a longer one is refused, and no more of it is read", async () => {
  const padded = (bytes: number) => `{"name":"${"x".repeat(bytes - 11)}"}`;
  expect(await read(padded(40))).toEqual({ name: "x".repeat(29) });
  expect(await read(padded(41))).toMatchObject(refusal("too_large", "over 40 bytes"));
  let pulls = 0;
  const endless = new ReadableStream({ pull: (stream) => (pulls++, stream.enqueue(new Uint8Array(10).fill(32))) });
  expect(await read(endless)).toMatchObject(refusal("too_large", "over 40 bytes"));
  expect(pulls).toBeLessThan(9);
});

test("S9 bytes that are no UTF-8, a mark at their beginning, and a body that breaks off are refused", async () => {
  expect(await read(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject(refusal("bad_request", "not UTF-8"));
  expect(await read(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).toMatchObject(
    refusal("bad_request", "is not JSON"),
  );
  const broken = new ReadableStream({ pull: (stream) => stream.error(new Error("reset")) });
  expect(await read(broken)).toMatchObject(refusal("bad_request", "broke off"));
});

test("A28 only where a body is optional its absence is an empty object", async () => {
  expect([await read(null, { isOptional: true }), await read("", { isOptional: true })]).toEqual([{}, {}]);
  expect(await read("")).toMatchObject(refusal("bad_request", "is not JSON"));
  expect(await read(null)).toMatchObject(refusal("bad_request", "is not JSON"));
});
