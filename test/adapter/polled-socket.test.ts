import { expect, test } from "bun:test";
import { polledSocket } from "../../src/adapter/polled-socket.ts";
import type { Socket } from "../../src/connection/socket.ts";

/** A socket in which something waits to go out; `drain`: how much of it goes between two looks. */
function waitingSocket(drain: number) {
  let waiting = 1_000_000;
  let drains = 0;
  let looks = 0;
  const socket: Socket = {
    send: () => true,
    bufferedBytes() {
      looks++;
      return (waiting = Math.max(0, waiting - drain));
    },
    close() {},
    terminate() {},
  };
  polledSocket(socket, () => void drains++).send("hello");
  return { looks: () => looks, drains: () => drains, empty: (): void => void (waiting = 0) };
}

test("R20 R3 a peer that takes nothing is looked at ever less often, and still found once it takes something", async () => {
  const [slow, stopped] = [waitingSocket(1), waitingSocket(0)];
  while (slow.looks() < 40) await Bun.sleep(5);
  expect(stopped.looks()).toBeLessThan(slow.looks() / 2);
  expect(slow.drains()).toBeGreaterThan(20);
  expect(stopped.drains()).toBeLessThan(2);
  stopped.empty();
  while (stopped.drains() < 1) await Bun.sleep(5);
  slow.empty();
  expect(stopped.drains()).toBe(1);
});
