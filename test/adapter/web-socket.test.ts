import { expect, test } from "bun:test";
import { closeUnserved, createReceive, idleSeconds, webSocket } from "../../src/adapter/web-socket.ts";

function start(readyState = 1) {
  const sent: string[] = [];
  const closes: unknown[] = [];
  const ws = {
    readyState,
    bufferedAmount: 9,
    send: (text: string) => void sent.push(text),
    close: (...args: unknown[]) => void closes.push(args),
  };
  return { ws, sent, closes };
}

test("G1 a frame to an open socket is sent, and one to a socket that is closing is dropped without a sign", () => {
  for (const [readyState, count] of [
    [1, 1],
    [0, 0],
    [2, 0],
    [3, 0],
  ] as const) {
    const { ws, sent } = start(readyState);
    expect([readyState, webSocket(ws).send("text"), sent.length]).toEqual([readyState, true, count]);
  }
});

test("G1 its bytes, its close and its end are the runtime's", () => {
  const { ws, closes } = start();
  const socket = webSocket(ws);
  socket.close(4401, "over");
  socket.terminate();
  closeUnserved(ws);
  expect([socket.bufferedBytes(), closes.slice(0, 2), (closes[2] as unknown[])[1]]).toEqual([
    9,
    [[4401, "over"], []],
    "the chat is not available",
  ]);
  expect([idleSeconds({ heartbeatMs: 25_000 }), idleSeconds({ heartbeatMs: 1 })]).toEqual([50, 1]);
});

test("P35 a frame of the limit is handed on, and a longer one closes the socket, by its bytes in UTF-8", () => {
  const receive = createReceive({ frameBytesMax: 9 });
  const outcome = (data: unknown): unknown => {
    const { ws, closes } = start();
    const got: unknown[] = [];
    receive(ws, data, { receive: (frame) => void got.push(frame), drain() {}, pong() {}, closed() {} });
    return closes.length > 0 ? (closes[0] as unknown[])[0] : got[0];
  };
  expect([outcome("x".repeat(9)), outcome("x".repeat(10)), outcome("€€€"), outcome("€€€€")]).toEqual([
    "x".repeat(9),
    1009,
    "€€€",
    1009,
  ]);
  expect([outcome(new Uint8Array([1, 2]).buffer), outcome(new ArrayBuffer(10))]).toEqual([
    new Uint8Array([1, 2]),
    1009,
  ]);
  // The chat is gone: there is nobody to hand it to.
  expect(() => receive(start().ws, "x", null)).not.toThrow();
});
