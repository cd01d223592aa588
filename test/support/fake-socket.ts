import type { Socket, SocketEvents } from "../../src/connection/socket.ts";
import type { ServerFrame } from "../../src/protocol/frame.ts";
import { deadline } from "./deadline.ts";

/** A socket with a peer that reads as fast as the test wants. */
export function fakeSocket() {
  let stalled: string[] = [];
  let isStalled = false;
  let events: SocketEvents | null = null;
  const frames: ServerFrame[] = [];
  const state = {
    bufferedMax: 0,
    paused: false,
    pings: 0,
    closed: null as { code: number; reason: string } | null,
    broken: false,
  };

  const buffered = (): number => stalled.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);
  const socket: Socket = {
    send(frame) {
      if (state.broken || state.closed) return false;
      if (isStalled) stalled.push(frame);
      else frames.push(JSON.parse(frame) as ServerFrame);
      state.bufferedMax = Math.max(state.bufferedMax, buffered());
      return true;
    },
    bufferedBytes: buffered,
    ping: () => void state.pings++,
    pause: () => void (state.paused = true),
    resume: () => void (state.paused = false),
    close(code, reason) {
      state.closed ??= { code, reason };
      queueMicrotask(() => events?.closed(code));
    },
    terminate: () => void (state.closed ??= { code: 1006, reason: "terminated" }),
  };

  return {
    socket,
    state,
    frames,
    attach(attached: SocketEvents): void {
      events = attached;
    },
    say: (frame: object): void => events?.receive(JSON.stringify(frame)),
    raw: (data: string | Uint8Array): void => events?.receive(data),
    pong: (): void => events?.pong(),
    hangUp: (): void => events?.closed(1006),
    stall(): void {
      isStalled = true;
    },
    /** The peer reads everything that waits and goes on reading. */
    drain(): void {
      isStalled = false;
      frames.push(...stalled.map((frame) => JSON.parse(frame) as ServerFrame));
      stalled = [];
      events?.drain();
    },
    of<Type extends ServerFrame["type"]>(type: Type): Extract<ServerFrame, { type: Type }>[] {
      return frames.filter((frame): frame is Extract<ServerFrame, { type: Type }> => frame.type === type);
    },
    changes: () => frames.flatMap((frame) => (frame.type === "changes" ? frame.changes : [])),
  };
}

export type FakeSocket = ReturnType<typeof fakeSocket>;

const answerMs =
  process.env["STOPS_AT_FIRST"] !== undefined
    ? deadline.firstFailureMs
    : process.env["ALTERATIONS"] === undefined
      ? deadline.answerMs
      : deadline.plantedMs;

/** Waits, for a bounded time, until something holds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = "it",
  withinMs: number = answerMs,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    if (await holds()) return;
    await Bun.sleep(2);
  }
  if (await holds()) return;
  throw new Error(`${what} did not come to hold in time`);
}

/** Waits for a number of turns of the event loop, each at least a millisecond: even a slow machine gives this process all of them. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Bun.sleep(1);
}
