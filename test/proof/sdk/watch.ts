import type { Write } from "../../../src/client/vault/contract.ts";
import { messageKey } from "../../../src/client/vault/resolve.ts";
import type { Histories } from "../sim/histories.ts";
import { readCursor } from "../sim/cursor-reader.ts";
import type { Browser } from "./browser.ts";
import type { DiskState } from "./disk.ts";

/** A disk at one moment, to be judged once the log is known. */
export type Snapshot = {
  readonly browser: string;
  readonly user: string;
  readonly state: DiskState;
  readonly epoch: string;
  /** What came before this position belongs to history. */
  readonly first: number;
  readonly upTo: number;
};

/** A cursor that leaves a client. `device`: null where nothing says whose it is. */
type SaidCursor = { readonly text: string; readonly what: string; readonly device: string | null };

export type Watch = ReturnType<typeof createWatch>;

/** Looks at everything that leaves a client, and at each write of its disk, when it happens. */
export function createWatch({
  histories,
  problem,
  mayStall,
}: {
  readonly histories: Histories;
  readonly problem: (rule: string, text: string) => void;
  /** Storage may hang in this world: then a message is sent that is not on disk. */
  readonly mayStall: boolean;
}) {
  /** The first position of each device in each history: what came before it belongs to history. */
  const firsts = new Map<string, number>();
  /** The furthest position that the disk of a device has held in each history. */
  const furthest = new Map<string, number>();
  const snapshots: Snapshot[] = [];
  /** Messages that were refused while their rows were there, also where the disk could not store that. */
  const refused = new Set<string>();
  /** Conversations on a disk, of which the server has told while a block hid the marks of the other user, and no mark since. */
  const hidden = new Set<string>();

  const placeOf = (cursor: string | null): { readonly epoch: string; readonly n: number } | null =>
    cursor === null ? null : readCursor(cursor, histories.names());
  const firstKey = (browser: Browser, epoch: string): string =>
    `${browser.name} ${browser.disk.state()?.meta.device ?? ""} ${epoch}`;

  /**
   * A cursor leaves a client: its disk must hold it or a later one, or have held it. No client can compare two cursors: a tab that goes on from another one's may
   * name a place that is a little behind it, up to which it has written everything just as well. A tab whose disk was deleted, and that does not know it yet,
   * speaks for the device of that one.
   */
  function cursor(browser: Browser, { text, what, device }: SaidCursor): void {
    const state = browser.disk.state();
    if (state === null || (device !== null && device !== state.meta.device)) return;
    const [said, held] = [placeOf(text), placeOf(state.meta.cursor)];
    // Another tab may have stored the cursor of another history.
    if (held !== null && held.epoch !== said?.epoch) return;
    const from = said?.n ?? 0;
    const to = held === null ? 0 : (furthest.get(firstKey(browser, held.epoch)) ?? held.n);
    if (from > to) problem("J5", `${browser.name} ${what} ${from}, its disk has held ${to}`);
  }

  /** A message leaves a client: its row must be on the disk. */
  function send(browser: Browser, id: string): void {
    const state = browser.disk.state();
    if (state === null || state.outbox.has(id) || browser.isOfLostDisk(id)) return;
    // Another tab may have settled it meanwhile, and may even have made room since, or had a reset; or the storage hangs: then it is sent without.
    const isSettled = browser.disk.hasDropped(id) || [...state.messages.values()].some((message) => message.id === id);
    const isStalled = browser.tabs.some((tab) => tab.client.storage.get().kind === "stalled");
    if (!isSettled && !isStalled && !mayStall) problem("J2", `${browser.name} sent ${id}, which is not on its disk`);
  }

  return {
    cursor,
    placeOf,
    snapshots,
    refused,
    isHidden: (browser: Browser, conversation: string): boolean => hidden.has(`${browser.name} ${conversation}`),
    /** `device`: that of its connection. */
    frame(browser: Browser, text: string, device: string | null): void {
      const frame = JSON.parse(text) as { readonly type: string; readonly cursor?: string; readonly id?: string };
      if (frame.type === "ack" && frame.cursor !== undefined)
        cursor(browser, { text: frame.cursor, what: "acked", device });
      if (frame.type === "send" && frame.id !== undefined) send(browser, frame.id);
    },
    request(browser: Browser, { method, url, body }: { method: string; url: URL; body: string }): void {
      if (method !== "POST" || body === "") return;
      const { id, cursor: acked, device = null } = JSON.parse(body) as Partial<Record<string, string>>;
      if (url.pathname === "/messages" && id !== undefined) send(browser, id);
      if (url.pathname === "/ack" && acked !== undefined) cursor(browser, { text: acked, what: "acked", device });
    },
    /** A frame reaches a client. The first welcome of a device says where its part of the log begins. */
    received(browser: Browser, text: string): void {
      const frame = JSON.parse(text) as Partial<Record<"type" | "cursor" | "id" | "retry", string>>;
      if (frame.type === "rejected" && frame.retry === "never" && browser.disk.state()?.outbox.has(frame.id ?? ""))
        refused.add(frame.id ?? "");
      if (frame.type !== "welcome" || frame.cursor === undefined) return;
      const place = placeOf(frame.cursor);
      if (place === null) return;
      const key = firstKey(browser, place.epoch);
      if (!firsts.has(key)) firsts.set(key, place.n);
    },
    /** A disk has carried out a write. */
    wrote(browser: Browser, { before, after, write }: { before: DiskState; after: DiskState; write: Write }): void {
      const { name } = browser;
      const place = placeOf(after.meta.cursor);
      for (const change of write.outbox ?? [])
        if (change.do === "fail" && before.outbox.has(change.id)) refused.add(change.id);
      for (const patch of write.conversations ?? [])
        if (patch.kind === "listed" && patch.listed.peer === undefined) hidden.add(`${name} ${patch.listed.id}`);
      for (const [id, { peer }] of after.conversations)
        if (peer !== before.conversations.get(id)?.peer && peer.delivered > 0) hidden.delete(`${name} ${id}`);
      if (place !== null) {
        const key = firstKey(browser, place.epoch);
        furthest.set(key, write.reset === true ? place.n : Math.max(furthest.get(key) ?? 0, place.n));
      }
      // What was on the disk went with its history.
      if (write.reset === true && place !== null) firsts.set(firstKey(browser, place.epoch), place.n);
      judgeOutbox({ before, after, write }, (rule, text) => problem(rule, `${name} ${text}`));
      judgeRanges({ before, after }, (rule, text) => problem(rule, `${name} ${text}`));
      const [was, is] = [before.meta.cursor, after.meta.cursor];
      // It may go back: from the stored cursor, to one up to which a tab that is behind has written everything.
      if (write.reset !== true && was !== is && write.cursor?.from !== was)
        problem("J56", `the cursor of ${name} moved from ${was} by a write that knew ${write.cursor?.from}`);
    },
    /** A crash has taken back the last writes of a disk. */
    fellBack(browser: Browser): void {
      for (const key of [...furthest.keys()]) if (key.startsWith(firstKey(browser, ""))) furthest.delete(key);
      const place = placeOf(browser.disk.state()?.meta.cursor ?? null);
      if (place !== null) furthest.set(firstKey(browser, place.epoch), place.n);
    },
    /** Keeps what is on a disk, to be judged at the end. */
    snapshot(browser: Browser): void {
      const state = browser.disk.state();
      const place = placeOf(state?.meta.cursor ?? null);
      if (state === null || place === null) return;
      const first = firsts.get(firstKey(browser, place.epoch));
      if (first === undefined) return;
      snapshots.push({ browser: browser.name, user: browser.user, state, epoch: place.epoch, first, upTo: place.n });
    },
  };
}

type Change = { readonly before: DiskState; readonly after: DiskState };
type Tell = (rule: string, text: string) => void;

/** J58 J60: a row goes with its message or by its user, stays tried, and comes with the end of its draft. */
function judgeOutbox({ before, after, write }: Change & { readonly write: Write }, tell: Tell): void {
  if (before.outbox !== after.outbox) {
    const byUser = new Set(
      write.outbox?.filter((change) => change.do === "cancel" || change.do === "replace").map((change) => change.id),
    );
    for (const [id, row] of before.outbox) {
      const now = after.outbox.get(id);
      if (now !== undefined && row.isTried && !now.isTried) tell("J58", `made ${id} untried`);
      if (now !== undefined || byUser.has(id)) continue;
      if (![...after.messages.values()].some((message) => message.id === id))
        tell("J58", `dropped the row ${id} without its message`);
    }
  }
  const added = [...after.outbox.values()].filter((row) => !before.outbox.has(row.id));
  const draftOf = (state: DiskState, text: string) => [...state.drafts.values()].includes(text);
  for (const { id, text } of added) if (draftOf(after, text)) tell("J60", `kept the draft of ${id}`);
  for (const [key, text] of write.drafts ?? []) {
    const draft = before.drafts.get(key);
    if (text !== null || draft === undefined) continue;
    // Where the storage hung, it went out without a row: then its draft goes with its message.
    const isAccepted = write.messages?.some((message) => message.text === draft) === true;
    if (!isAccepted && after.drafts.get(key) === undefined && !write.outbox?.some((change) => change.do === "add"))
      tell("J60", `dropped the draft "${draft.slice(0, 9)}" without a row`);
  }
}

/** J7: whatever ranges have got is there. */
function judgeRanges({ before, after }: Change, tell: Tell): void {
  for (const [id, row] of after.conversations) {
    if (row.ranges === before.conversations.get(id)?.ranges) continue;
    for (const [from, to] of row.ranges)
      for (let seq = from; seq <= to; seq++)
        if (!after.messages.has(messageKey(id, seq))) return tell("J7", `says that it holds ${id} ${seq}`);
  }
}
