import { expect, test } from "bun:test";
import { createSendWindow } from "../../src/connection/send-window.ts";

test("R2 the waiting sends of all senders fit into one commit, and each may have one waiting", () => {
  const share = createSendWindow({ windowMax: 64, sendsMax: 2_048 });
  expect(share.sends()).toBe(64);
  for (let i = 0; i < 32; i++) share.enter();
  expect(share.sends()).toBe(64);
  share.enter();
  expect(share.sends()).toBe(62);
  for (let i = 33; i < 2_048; i++) share.enter();
  expect(share.sends()).toBe(1);
  for (let i = 0; i < 10_000; i++) share.enter();
  expect(share.sends()).toBe(1);
  for (let i = 0; i < 10_000; i++) share.leave();
  for (let i = 0; i < 2_016; i++) share.leave();
  expect(share.sends()).toBe(64);
  expect(share.senders()).toBe(32);
});
