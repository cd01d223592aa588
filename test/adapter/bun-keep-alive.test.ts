import { expect, test } from "bun:test";
import { keepIfWhole } from "../../src/adapter/bun-keep-alive.ts";

function isKept(request: Request, answer?: { ok: boolean }): boolean {
  const seconds: number[] = [];
  keepIfWhole(request, { server: { timeout: (_request, time) => void seconds.push(time) }, answer });
  if (seconds.some((time) => time !== 75)) throw new Error(`kept for ${String(seconds)} s`);
  return seconds.length > 0;
}
const post = (headers: Record<string, string>) => new Request("http://h/", { method: "POST", headers });

test("G37 the connection of a request without a body is kept", () => {
  expect([isKept(new Request("http://h/")), isKept(post({ "content-length": "0" }))]).toEqual([true, true]);
});

test("G37 X10 with a body it is kept once the body was read and the request was not refused", async () => {
  for (const headers of [
    { "content-length": "2" },
    { "transfer-encoding": "chunked" },
    { "transfer-encoding": "chunked", "content-length": "0" },
  ])
    expect([headers, isKept(post(headers)), isKept(post(headers), { ok: true })]).toEqual([headers, false, false]);
  const read = new Request("http://h/", { method: "POST", body: "{}", headers: { "content-length": "2" } });
  await read.text();
  expect([isKept(read), isKept(read, { ok: true }), isKept(read, { ok: false })]).toEqual([false, true, false]);
});
