import { describe, expect, test } from "bun:test";
import { Inbox } from "../../src/connection/inbox.ts";

/** An inbox that records its frames, on a socket that can be paused or not. */
function start({ canPause = true, framesMax = 3, bytesMax = 1_000 } = {}) {
  const handled: string[] = [];
  const state = { isOpen: true, isPaused: false, overflows: 0, work: null as Promise<void> | null };
  const socket = { pause: () => void (state.isPaused = true), resume: () => void (state.isPaused = false) };
  const inbox = new Inbox({
    socket: canPause ? socket : {},
    context: { limits: { inboxBytesMax: bytesMax, sendWindow: framesMax } },
    handle(frame) {
      handled.push(String(frame));
      return state.work ?? undefined;
    },
    ...{ isTaking: () => true, canHandle: () => state.isOpen },
    onOverflow: () => state.overflows++,
    fail: (fault) => {
      throw fault;
    },
  });
  return { inbox, handled, state };
}

describe("the inbox", () => {
  test("O4 H4 a frame does not overtake those that wait, also where it could be handled at once by now", () => {
    const { inbox, handled, state } = start();
    state.isOpen = false;
    inbox.receive("1");
    inbox.receive("2");
    // Others have left the send window to this connection, and `pump` was not called since.
    state.isOpen = true;
    inbox.receive("3");
    expect(handled).toEqual([]);
    inbox.pump();
    expect(handled).toEqual(["1", "2", "3"]);
  });

  test("O4 a frame waits for the one that is being handled", async () => {
    const { inbox, handled, state } = start();
    const work = Promise.withResolvers<void>();
    state.work = work.promise;
    inbox.receive("1");
    state.work = null;
    inbox.receive("2");
    inbox.pump();
    expect(handled).toEqual(["1"]);
    work.resolve();
    await work.promise;
    await Promise.resolve();
    await Promise.resolve();
    expect(handled).toEqual(["1", "2"]);
  });

  test("H9 R3 where the runtime cannot stop reading, more frames than may wait are too many", () => {
    const { inbox, state } = start({ canPause: false, framesMax: 3 });
    state.isOpen = false;
    for (const frame of ["1", "2", "3"]) inbox.receive(frame);
    expect(state.overflows).toBe(0);
    inbox.receive("4");
    expect(state.overflows).toBe(1);
  });

  test("H9 a frame that was handled counts no more", () => {
    const { inbox, handled, state } = start({ bytesMax: 100 });
    for (let i = 0; i < 10; i++) {
      state.isOpen = false;
      inbox.receive("x".repeat(60));
      state.isOpen = true;
      inbox.pump();
    }
    expect(handled).toHaveLength(10);
    expect(state).toMatchObject({ overflows: 0, isPaused: false });
  });
});
