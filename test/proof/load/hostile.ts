import { maskedFrame } from "../../support/lean-socket.ts";
import type { Member } from "./member.ts";

/** The attacks of a fifth of the crowd on the others. */
export type Hostility = "stopped" | "silent" | "dripping" | "flooding" | "garbage";
export const hostilities: readonly Hostility[] = ["stopped", "silent", "dripping", "flooding", "garbage"];

/** A flooder sends four windows at once, so that the server must stop reading it. */
const floodSends = 256;
const floodText = "f".repeat(64);
const dripMs = 50;
/** A closed member comes back, at a bounded pace: this many a second of one kind, over all of them. */
const rejoinMs = 1_000;
const garbageFrames = 40;
/** A flooder that does not read answers keeps its writes in its own memory: no more than this. */
const waitingBytesMax = 262_144;

const half = maskedFrame(1, Buffer.from(`{"type":"ping","id":"${"d".repeat(200)}"}`)).subarray(0, 120);
const garbage = maskedFrame(1, Buffer.from("{garbage"));

/** Turns members hostile, each in its way; returns a function that ends it. */
export function turnHostile(members: readonly Member[], kinds: readonly Hostility[]): () => void {
  let isOver = false;
  const each = members.map((member, i) => ({ member, kind: kinds[i % kinds.length] }));
  const of = (kind: Hostility): Member[] => each.filter((one) => one.kind === kind).map(({ member }) => member);
  const stopped = of("stopped");

  function rejoin(member: Member, then: () => void): void {
    setTimeout(
      () => {
        if (!isOver) void member.enter().then(({ status }) => (status === 101 && !isOver ? then() : undefined));
      },
      rejoinMs * (1 + Math.random()),
    );
  }

  function turn(member: Member, act: (member: Member) => void): void {
    member.onClose = () => {
      if (!isOver) rejoin(member, () => act(member));
    };
    act(member);
  }

  const stop = (member: Member): void => member.socket?.pause();
  const fallSilent = (member: Member): void => {
    if (member.socket !== null) member.socket.doesPong = false;
  };
  const babble = (member: Member): void => {
    for (let i = 0; i < garbageFrames; i++) member.socket?.write(garbage);
  };
  /** To a member that does not read, if there is one: then the flood must be kept off two connections. */
  const flood = (member: Member, i: number): void => {
    const to = stopped[i % Math.max(1, stopped.length)]?.user ?? `${member.user}-nobody`;
    const next = (): void => {
      if (!isOver && (member.socket?.waitingBytes() ?? 0) < waitingBytesMax) member.send(to, floodText);
    };
    member.onAccepted = next;
    for (let sent = 0; sent < floodSends; sent++) next();
  };

  for (const member of stopped) turn(member, stop);
  for (const member of of("silent")) turn(member, fallSilent);
  for (const member of of("garbage")) turn(member, babble);
  for (const [i, member] of of("flooding").entries()) turn(member, (one) => flood(one, i));
  const dripped = new Map<Member, number>();
  const drip = (member: Member): void => {
    // A pong in the middle of a frame's bytes would be taken for some of them.
    fallSilent(member);
    dripped.set(member, 0);
  };
  for (const member of of("dripping")) turn(member, drip);
  const timer = setInterval(() => {
    for (const [member, at] of dripped) {
      if (!member.isOpen()) continue;
      if (at < half.length) member.socket?.write(half.subarray(at, at + 1));
      dripped.set(member, at + 1);
    }
  }, dripMs);

  return () => {
    isOver = true;
    clearInterval(timer);
    for (const { member } of each) {
      member.onAccepted = () => {};
      member.onClose = () => {};
      member.leave();
    }
  };
}
