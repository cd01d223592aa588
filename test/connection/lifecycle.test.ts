import { expect, test } from "bun:test";
import { Lifecycle } from "../../src/connection/lifecycle.ts";

/** A lifecycle that records its calls; `grace` runs the timer of the closing handshake. */
function start() {
  const calls: string[] = [];
  let grace = (): void => {};
  const lifecycle = new Lifecycle({
    socket: { close: (code) => void calls.push(`close ${code}`), terminate: () => void calls.push("terminate") },
    context: {
      awake: {
        after(_, task) {
          grace = task;
          return () => void calls.push("cancel");
        },
      },
      soon: (task) => task(),
    },
    onClosing: () => void calls.push("closing"),
    onClosed: (code) => void calls.push(`closed ${code}`),
  });
  return { lifecycle, calls, grace: () => grace() };
}

test("H11 a socket that closes in time leaves no timer, and is closed once", () => {
  const { lifecycle, calls } = start();
  lifecycle.open();
  lifecycle.close(1012, "restart");
  lifecycle.close(1011, "failed");
  lifecycle.closed(1006);
  lifecycle.terminate(1012);
  expect(calls).toEqual(["closing", "close 1012", "cancel", "closed 1006"]);
});

test("H11 a peer that does not answer the closing handshake is dropped, with the code of the close", () => {
  const { lifecycle, calls, grace } = start();
  lifecycle.close(4401, "ended");
  grace();
  grace();
  expect(calls).toEqual(["closing", "close 4401", "terminate", "cancel", "closed 4401"]);
});

test("O4 only an open socket fails, and one that failed can still close", () => {
  const { lifecycle, calls } = start();
  lifecycle.fail();
  expect([lifecycle.isOpening(), lifecycle.isFailed()]).toEqual([true, false]);
  lifecycle.open();
  lifecycle.fail();
  expect([lifecycle.isOpen(), lifecycle.isFailed(), lifecycle.isEnding()]).toEqual([false, true, false]);
  lifecycle.close(1011, "failed");
  lifecycle.fail();
  expect([lifecycle.isFailed(), lifecycle.isEnding()]).toEqual([false, true]);
  expect(calls).toEqual(["closing", "close 1011"]);
});
