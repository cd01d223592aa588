/** A crowd of clients in a process of its own, controlled through its parent's channel (crowd.ts). */
import { constants, setPriority } from "node:os";
import { type Hostility, turnHostile } from "./hostile.ts";
import { Member } from "./member.ts";
import { type Pace, type Paced, runPace } from "./pace.ts";

export type Opening = {
  readonly port: number;
  readonly prefix: string;
  readonly users: number;
  /** Connections of each user. Default 1. */
  readonly devices?: number;
  /** Handshakes under way at a time. */
  readonly connectingMax?: number;
  readonly handshakeMs?: number;
};
export type Backlog = {
  readonly port: number;
  readonly prefix: string;
  readonly users: number;
  readonly each: number;
  readonly text: string;
};
export type Return = { readonly ms: number; readonly each: number; readonly every?: number };
export type Returned = {
  /** The time until each was resumed, in milliseconds, in rising order. */
  readonly tookMs: readonly number[];
  readonly refusals: number;
  /** Lost, doubled or reordered messages, and members that never came back. */
  readonly faults: readonly string[];
};
export type Counts = {
  readonly open: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly bytes: number;
};

let members: Member[] = [];
let endHostilities = (): void => {};
const textOf = (i: number): string => `backlog ${i}`;

/** The parent's requests; each takes one object and returns one. */
export const operations = {
  /** Connects; returns how many were refused, by status. */
  async open({
    port,
    prefix,
    users,
    devices = 1,
    connectingMax = 100,
    handshakeMs,
  }: Opening): Promise<Record<string, number>> {
    const joining = Array.from(
      { length: users * devices },
      (_, i) =>
        new Member({ port, user: `${prefix}${Math.floor(i / devices)}`, device: `d${i % devices}`, handshakeMs }),
    );
    const refused: Record<string, number> = {};
    for (let i = 0; i < joining.length; i += connectingMax) {
      const wave = joining.slice(i, i + connectingMax).map(async (member) => {
        const { status } = await member.enter();
        if (status === 101 && (await member.caughtUp())) members.push(member);
        else refused[status] = (refused[status] ?? 0) + 1;
      });
      await Promise.all(wave);
    }
    return refused;
  },

  pace: (pace: Pace): Promise<Paced> => runPace(members, pace),

  /** Sends this many messages to each of the users, and waits until all are accepted. */
  async fill({ port, prefix, users, each, text }: Backlog): Promise<void> {
    const sender = new Member({ port, user: `${prefix}-sender` });
    await sender.enter();
    const inFlightMax = 64;
    const total = users * each;
    let sent = 0;
    let accepted = 0;
    const done = Promise.withResolvers<void>();
    const next = (): void => {
      if (sent >= total) return;
      sender.send(`${prefix}${sent % users}`, `${textOf(Math.floor(sent / users))}${text}`);
      sent++;
    };
    sender.onAccepted = () => {
      if (++accepted === total) done.resolve();
      next();
    };
    sender.onClose = () => done.reject(new Error(`The sender was closed: ${sender.closes.join()}`));
    for (let i = 0; i < inFlightMax; i++) next();
    await done.promise;
    sender.leave();
  },

  /** From now on no member stores its messages, like devices that die before they can. */
  async hold(): Promise<void> {
    for (const member of members) member.isStoring = false;
  },

  /** All, or one of `every`, connect at one instant, each with its cursor, and wait for the `each` messages they missed. */
  async return({ ms, each, every = 1 }: Return): Promise<Returned> {
    const start = performance.now();
    const end = start + ms;
    const tookMs: number[] = [];
    const faults: string[] = [];
    let refusals = 0;
    for (const member of members) member.leave();
    await Promise.all(
      members
        .filter((_, i) => i % every === 0)
        .map(async (member) => {
          try {
            member.isReading = true;
            refusals += await member.resume(() => performance.now() > end);
            tookMs.push(performance.now() - start);
            const seen = member.seen.map(({ text }) => text.replace(/x*$/, ""));
            const wanted = Array.from({ length: each }, (_, i) => textOf(i));
            if (seen.join() !== wanted.join()) faults.push(`${member.user} saw [${seen.join()}]`);
          } catch (error) {
            faults.push(error instanceof Error ? error.message : String(error));
          }
        }),
    );
    return { tookMs: tookMs.sort((a, b) => a - b), refusals, faults };
  },

  async pause(): Promise<void> {
    for (const member of members) {
      member.isReading = false;
      member.socket?.pause();
    }
  },

  async misbehave({ kinds }: { readonly kinds: readonly Hostility[] }): Promise<void> {
    // On other machines they would have processors of their own.
    setPriority(constants.priority.PRIORITY_LOW);
    endHostilities = turnHostile(members, kinds);
  },

  async counts(): Promise<Counts> {
    const closes: Record<string, number> = {};
    for (const code of members.flatMap((member) => member.closes)) closes[code] = (closes[code] ?? 0) + 1;
    return {
      open: members.filter((member) => member.isOpen()).length,
      closes,
      rejected: members.reduce((sum, { rejected }) => sum + rejected, 0),
      bytes: members.reduce((sum, { socket }) => sum + (socket?.bytesReceived ?? 0), 0),
    };
  },

  async leave(): Promise<void> {
    endHostilities();
    for (const member of members) member.leave();
    members = [];
  },
};

export type Operations = typeof operations;
export type Call = { readonly number: number; readonly name: keyof Operations; readonly input: never };
export type Reply = { readonly number: number; readonly answer?: unknown; readonly error?: string };

if (import.meta.main) {
  process.on("message", ({ number, name, input }: Call) => {
    const operation: (input: never) => Promise<unknown> = operations[name];
    operation(input).then(
      (answer) => process.send?.({ number, answer } satisfies Reply),
      (error: unknown) => process.send?.({ number, error: String(error) } satisfies Reply),
    );
  });
  process.on("disconnect", () => process.exit(0));
}
