import { ensure, show, until } from "../check.ts";
import type { Frame } from "../frames.ts";
import type { User } from "../server/user.ts";
import { differenceOf, type HistoryMessage } from "./difference.ts";
import { validateTraffic, violationOf } from "./traffic.ts";
import { fromClient, type ClientFrame, type Link, toClient } from "./link.ts";
import type { Dump, Line, Program } from "./program.ts";
import type { Proxy } from "./proxy.ts";

/** The client on one device: one storage, behind one proxy. */
export interface Installation {
  readonly proxy: Proxy;
  /** Starts the client, also again after `kill`, with the same storage. */
  start(): void;
  kill(): Promise<void>;
  program(): Program;
  /** Gives the client a line. */
  tell(command: object): void;
  /** Makes the client send. Resolves with the id, when the client says that the text is on its disk. */
  send(text: string, to?: User): Promise<string>;
  /** What was kept until now may be lost: its server was restored from a backup. */
  forgetKept(): void;
  /** Resolves when the client says this of a message. */
  item(id: string, state: string): Promise<void>;
  /** Resolves when the client has said that it is in this state, since its last start. */
  status(state: string): Promise<void>;
  /** Resolves with the first link, from the given number on, that was greeted. */
  link(number: number): Promise<Link>;
  /** Resolves when the client has printed a line that fulfils `is`, since its last start, from this one on. */
  line(is: (line: Line) => boolean, what: string, from?: number): Promise<void>;
  /** Resolves when the client was sent a frame that fulfils `is`, on any link. */
  gets(is: (frame: Frame) => boolean, what: string): Promise<void>;
  /** Resolves when the client has sent a frame that fulfils `is`, on any link. */
  frame(is: (frame: ClientFrame) => boolean, what: string): Promise<void>;
  dump(): Promise<Dump>;
  /** Resolves when the client has shown a message with this text. */
  shows(text: string): Promise<void>;
  /** Resolves when the client keeps what the server has, and nothing waits to be sent. */
  agree(): Promise<void>;
  /** @throws Failure: something that went over the wire must never go over it. */
  checkTraffic(): void;
  close(): Promise<void>;
}

export type InstallationOptions = {
  readonly peer: User;
  readonly token: string;
  readonly proxy: Proxy;
  readonly run: () => Program;
  /** What the server has, of the user under test. */
  readonly history: (upstream: string) => Promise<readonly HistoryMessage[]>;
  /** How long the client may take for what takes a good one a moment, reconnecting included. */
  readonly settleMs: number;
  /** True: this device began after the others of its user, and may lack earlier messages. */
  readonly isLater: boolean;
};

export function createInstallation(options: InstallationOptions): Installation {
  const { peer, token, proxy, run, history, settleMs, isLater } = options;
  const programs: Program[] = [];
  const kept: { readonly id: string; readonly text: string }[] = [];

  const wait = async <T>(look: () => T | undefined | null | false, what: string): Promise<T> =>
    await until(
      () => {
        const found = look();
        if (found === undefined || found === null || found === false) ensureGoesOn(what);
        return found;
      },
      { what, ms: settleMs, seen: wordsOf },
    );

  function ensureGoesOn(what: string): void {
    ensureFrames(proxy);
    ensure(!program().hasEnded(), `the client ended while it was to reach ${what}: ${program().complaints()}`);
  }

  const wordsOf = (): string => {
    const last = program().lines().slice(-3).map(show);
    return `its last lines are ${last.join(" ") || "none"} ${program().complaints()}`;
  };

  function program(): Program {
    const last = programs.at(-1);
    ensure(last !== undefined, "the client was not started");
    return last;
  }

  const itemsOf = () =>
    program()
      .lines()
      .flatMap((line) => ("item" in line ? [line.item] : []));

  const installation: Installation = {
    ...{ proxy, program },
    start: () => void programs.push(run()),
    kill: () => program().kill(),
    tell: (command) => program().tell(command),
    async send(text, to = peer) {
      const known = new Set([...itemsOf().map(({ id }) => id), ...kept.map(({ id }) => id)]);
      program().tell({ do: "send", to: to.name, text });
      const item = await wait(
        () => itemsOf().find(({ id, state }) => !known.has(id) && state !== "keeping"),
        "an item line that says that a text is kept",
      );
      kept.push({ id: item.id, text });
      return item.id;
    },
    forgetKept: () => void kept.splice(0),
    item: (id, state) =>
      installation.line(
        (line) => "item" in line && line.item.id === id && line.item.state === state,
        `an item line: ${state}`,
      ),
    status: (state) =>
      installation.line((line) => "status" in line && line.status.state === state, `a status line: ${state}`),
    link: (number) =>
      wait(
        () =>
          proxy
            .links()
            .slice(number)
            .find((link) => toClient(link).some(({ type }) => type === "welcome")),
        `connection ${number + 1}`,
      ),
    async line(is, what, from = 0) {
      await wait(() => program().lines().slice(from).some(is), what);
    },
    async gets(is, what) {
      await wait(() => proxy.links().some((link) => toClient(link).some(is)), what);
    },
    async frame(is, what) {
      await wait(() => proxy.links().some((link) => fromClient(link).some(is)), what);
    },
    async dump() {
      const dumps = () =>
        program()
          .lines()
          .flatMap((line) => ("dump" in line ? [line.dump] : []));
      const count = dumps().length;
      program().tell({ do: "dump" });
      return await wait(() => dumps()[count], "a dump line");
    },
    shows: (text) =>
      installation.line((line) => "message" in line && line.message.text === text, `a message line with ${show(text)}`),
    async agree() {
      const end = Date.now() + settleMs;
      for (;;) {
        const dump = await installation.dump();
        const messages = await history(proxy.faults.upstream);
        const links = proxy.links();
        const difference = differenceOf({ dump, history: messages, kept, links, isLater });
        if (difference === null) return;
        ensureFrames(proxy);
        ensure(Date.now() < end, difference);
        await new Promise<void>((resolve) => void setTimeout(resolve, 100));
      }
    },
    checkTraffic() {
      const fault = validateTraffic({ proxy, token, programs });
      ensure(fault === null, fault ?? "");
    },
    async close() {
      await Promise.all(programs.map((one) => one.kill()));
      proxy.close();
    },
  };
  return installation;
}

/** @throws Failure: the client has sent something that is no frame. */
function ensureFrames(proxy: Proxy): void {
  const violation = violationOf(proxy);
  ensure(violation === null, violation ?? "");
}
