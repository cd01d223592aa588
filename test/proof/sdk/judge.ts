import type { Logged, Truth } from "../sim/database.ts";
import { messageKey } from "../../../src/client/vault/resolve.ts";
import type { Tab } from "./tab.ts";
import type { SdkWorld, Written } from "./world.ts";

const ownerOf = (world: SdkWorld, user: string): string => `${world.tenant}/${user}`;

/** What is not finished yet. Null: nothing. */
export function unfinished(world: SdkWorld, truth: Truth): string | null {
  return unfinishedTab(world, truth) ?? unfinishedDisk(world);
}

function unfinishedTab(world: SdkWorld, truth: Truth): string | null {
  for (const { tabs, name, user } of world.browsers) {
    const length = truth.historyOf(ownerOf(world, user)).length;
    for (const { client } of tabs) {
      const { state } = client.status.get();
      if (state !== "online") return `${name} is ${state}`;
      const { queued } = client.outbox.get();
      if (queued > 0) return `${name} has ${queued} sends without an answer`;
      // A disk that was full counts as full until the next write.
      if (!["durable", "full"].includes(client.storage.get().kind))
        return `the storage of ${name} is ${client.storage.get().kind}`;
      if (length > 0 && client.conversations.get().conversations.length === 0) return `${name} shows no conversation`;
      // A request that got lost is given up after its deadline, and holds up the next ones until then.
      const inexact = client.conversations.get().conversations.find(({ isExact }) => !isExact);
      if (inexact !== undefined) return `${name} does not know how much is unread in ${inexact.id}`;
    }
  }
  return null;
}

function unfinishedDisk(world: SdkWorld): string | null {
  for (const browser of world.browsers) {
    const state = browser.disk.state();
    if (state !== null && state.wishes.size > 0) return `${browser.name} wants ${[...state.wishes.keys()].join(", ")}`;
    if (state !== null && [...state.outbox.values()].some((row) => row.failed === undefined))
      return `${browser.name} holds an outbox`;
    for (const { id, last, isListed } of state?.conversations.values() ?? [])
      if (last !== null && isListed === false) return `${browser.name} knows ${id} from its news alone`;
  }
  return null;
}

/** J3: what was kept is in the log exactly once; nothing else is; each tab's messages in the order of their writing. */
export function judgeTexts(world: SdkWorld, truth: Truth): void {
  const all = world.plan.users.flatMap((user) =>
    truth.historyOf(ownerOf(world, user)).filter((message) => message.from === ownerOf(world, user)),
  );
  const byText = new Map<string, Logged[]>();
  for (const message of all) byText.set(message.text, [...(byText.get(message.text) ?? []), message]);
  const wrote = new Map(world.written.map((entry) => [entry.text, entry]));
  for (const [text, messages] of byText) {
    if (messages.length > 1 && !isSentInTwoTabs(world, text))
      world.problem("J3", `"${text.slice(0, 9)}" is in the log ${messages.length} times`);
    if (!wrote.has(text)) world.problem("J3", `"${text.slice(0, 9)}" is in the log, and nobody wrote it`);
  }
  const lost = textsOfBefore(world, truth);
  for (const entry of new Set(wrote.values()))
    judgeText(world, { entry, messages: byText.get(entry.text) ?? [], isLost: lost.has(entry.text) });
  for (const entry of world.written) judgeAnswer(world, entry, byText.has(entry.text));
  judgeOrder(world, byText, lost);
}

/** A tab that another one's hint did not reach still shows the text that was sent there, and its user sends it again. */
function isSentInTwoTabs(world: SdkWorld, text: string): boolean {
  const entries = world.written.filter((entry) => entry.text === text);
  // One person is not in two tabs within a second, also with a text that an earlier try gave back. Where the storage hangs, the other tab shows for longer what was
  // sent.
  const isAtOnce = entries.some((a) => entries.some((b) => a.tab !== b.tab && Math.abs(a.ms - b.ms) < 1_000));
  const { hintsLost, disk } = world.plan.faults;
  return (hintsLost > 0 || disk.hangs > 0 || isAtOnce) && new Set(entries.map(({ tab }) => tab)).size > 1;
}

/** What was accepted in a history that a restore has ended. */
function textsOfBefore(world: SdkWorld, truth: Truth): ReadonlySet<string> {
  const ended = world.histories.truths(truth).slice(0, -1);
  return new Set(
    ended
      .flatMap((log) => world.plan.users.flatMap((user) => log.historyOf(ownerOf(world, user))))
      .map(({ text }) => text),
  );
}

/** J91: the tab that sent it hears how it ended, whoever sent it on. */
function judgeAnswer(
  world: SdkWorld,
  { text, browser, tab, id, losses, state, answer }: Written,
  isInLog: boolean,
): void {
  const isLiving = browser.tabs.some((one) => `${browser.name} ${one.serial}` === tab);
  if (!isLiving || losses !== browser.losses || state !== "kept" || answer === undefined) return;
  if (answer === "none") world.problem("J91", `${tab} never heard what became of "${text.slice(0, 9)}"`);
  if (answer !== "refused" || !isInLog || world.retried.has(id) || world.isEvicting(browser.name)) return;
  // Another tab has sent it too, and the block was over when that came: it was refused first, and accepted then.
  if (browser.opened > 1 && world.watch.refused.has(id)) return;
  world.problem("J91", `${tab} heard that "${text.slice(0, 9)}" was refused, which is in the log`);
}

function judgeText(
  world: SdkWorld,
  {
    entry,
    messages,
    isLost,
  }: { readonly entry: Written; readonly messages: readonly Logged[]; readonly isLost: boolean },
): void {
  const name = `"${entry.text.slice(0, 9)}" of ${entry.tab}`;
  const again = world.written.some((one) => one !== entry && one.text === entry.text);
  if ((entry.state === "cancelled" || entry.state === "edited") && messages.length > 0 && !again)
    world.problem("J4", `${name} was ${entry.state}, and is in the log`);
  if (entry.state !== "kept" || messages.length > 0 || entry.losses !== entry.browser.losses) return;
  // Refused for good: its row stays, and shows why.
  const row = entry.browser.disk.state()?.outbox.get(entry.id);
  if (row?.failed !== undefined || isLost || world.cancelling.has(entry.id)) return;
  world.problem("J3", `${name} was kept, and is not in the log`);
}

function judgeOrder(world: SdkWorld, byText: ReadonlyMap<string, readonly Logged[]>, lost: ReadonlySet<string>): void {
  const last = new Map<string, Logged>();
  const ids = new Map<string, number>();
  for (const { id } of world.written) ids.set(id, (ids.get(id) ?? 0) + 1);
  for (const entry of world.written) {
    const [message] = byText.get(entry.text) ?? [];
    // A message that was refused and tried again, also by another tab, or written anew, has its place where it was accepted; so has one whose storage was deleted
    // while it was being kept, and one that was accepted before a restore: it is sent again only where a crash has taken back that it was.
    if (
      message === undefined ||
      lost.has(entry.text) ||
      entry.state !== "kept" ||
      entry.keptLosses !== entry.losses ||
      message.id !== entry.id ||
      ids.get(entry.id) !== 1 ||
      world.retried.has(entry.id) ||
      world.watch.refused.has(entry.id)
    )
      continue;
    const lane = `${entry.tab} ${entry.to}`;
    const before = last.get(lane);
    if (before !== undefined && before.seq > message.seq)
      world.problem(
        "J6",
        `"${message.text.slice(0, 9)}" of ${lane} came before "${before.text.slice(0, 9)}", which was written first`,
      );
    last.set(lane, message);
  }
}

/** J5 O3: whatever a disk's cursor covers is on the disk. */
export function judgeDisks(world: SdkWorld, truth: Truth): void {
  for (const { browser, user, state, epoch, first, upTo } of world.watch.snapshots) {
    if (!world.histories.isOnlyOfNow(epoch)) continue;
    for (const message of truth.historyOf(ownerOf(world, user))) {
      if (message.n <= first || message.n > upTo) continue;
      const held = state.messages.get(messageKey(message.conversation, message.seq));
      const isEvicted = world.isEvicting(browser);
      if (held === undefined && !isEvicted)
        world.problem("J5", `the disk of ${browser} has the cursor ${upTo}, and not message ${message.n}`);
      if (held !== undefined && (held.id !== message.id || held.text !== message.text))
        world.problem("J5", `the disk of ${browser} holds another message at ${message.conversation} ${message.seq}`);
    }
    for (const row of state.conversations.values())
      for (const [from, to] of row.ranges)
        for (let seq = from; seq <= to; seq++)
          if (!state.messages.has(messageKey(row.id, seq)))
            world.problem("J7", `the disk of ${browser} says that it holds ${row.id} ${seq}`);
  }
}

/** J3: what was accepted is no longer in an outbox. J93: no composer shows what was sent. */
export function judgeComposers(world: SdkWorld, truth: Truth): void {
  for (const { name, user, disk, tabs } of world.browsers) {
    const log = truth.historyOf(ownerOf(world, user));
    const [ids, texts] = [new Set(log.map(({ id }) => id)), new Set(log.map(({ text }) => text))];
    const rows = [...(disk.state()?.outbox.values() ?? [])];
    for (const { id } of rows)
      if (ids.has(id)) world.problem("J3", `${name} holds ${id} as failed, which is in the log`);
    for (const tab of tabs)
      for (const other of world.plan.users) {
        // A tab that another one's hint did not reach knows nothing of what that one has sent.
        const draft = other === user || world.plan.faults.hintsLost > 0 ? "" : tab.thread(other).draft.get();
        // One that could not be kept here comes back, whatever another tab has sent at that moment.
        if (draft === "" || isSentInTwoTabs(world, draft)) continue;
        if (texts.has(draft) || rows.some(({ text }) => text === draft))
          world.problem("J93", `the composer of ${name} ${tab.serial} shows "${draft.slice(0, 9)}", which was sent`);
      }
  }
}

/** J8: every screen shows the log: each message once, in order, with its marks and unread counts. */
export function judgeViews(world: SdkWorld, truth: Truth): void {
  for (const { tabs, user } of world.browsers) for (const tab of tabs) judgeTab(world, tab, user, truth);
}

function judgeTab(world: SdkWorld, tab: Tab, user: string, truth: Truth): void {
  const name = `${tab.browser.name} ${tab.serial}`;
  const owner = ownerOf(world, user);
  for (const other of world.plan.users) {
    if (other === user) continue;
    const messages = truth
      .historyOf(owner)
      .filter(({ conversation }) => truth.peopleOf(conversation).includes(ownerOf(world, other)))
      .toSorted((a, b) => a.seq - b.seq);
    const rows = tab.rows(other).filter((row) => row.seq !== null);
    const shown = rows.map((row) => `${row.seq} ${row.id}`).join(", ");
    const wanted = messages
      .slice(-rows.length || Number.POSITIVE_INFINITY)
      .map((message) => `${message.seq} ${message.id}`)
      .join(", ");
    if (shown !== wanted || (messages.length > 0 && rows.length < Math.min(messages.length, 300)))
      world.problem(
        "J8",
        `${name} shows ${rows.length} of ${messages.length} messages with ${other}: ${shown.slice(0, 90)}, not ${wanted.slice(0, 90)}`,
      );
    const [conversation] = messages;
    if (conversation !== undefined)
      judgeCounts(world, tab, { name, user, other, id: conversation.conversation, messages, truth });
  }
}

type Place = {
  readonly name: string;
  readonly user: string;
  readonly other: string;
  readonly id: string;
  readonly messages: readonly Logged[];
  readonly truth: Truth;
};

/** J9: the marks of the other user, the mute, and what one user thinks of the other. */
function judgeSettings(world: SdkWorld, tab: Tab, { name, user, other, id, truth }: Place): void {
  const [owner, peer] = [ownerOf(world, user), ownerOf(world, other)];
  const row = tab.client.conversation(id).get();
  const isMuted = truth.settingsOf(owner).get(id)?.muted ?? false;
  if (row !== null && row.isMuted !== isMuted)
    world.problem("J9", `${name} shows ${id} as ${isMuted ? "not " : ""}muted`);
  const thinks = truth.relationsOf(owner).get(other) ?? { contact: false, blocked: false };
  const shown = tab.client.relations.get().find((one) => one.user === other);
  if ((shown?.blocked ?? false) !== thinks.blocked || (shown?.contact ?? false) !== thinks.contact)
    world.problem("J9", `${name} shows ${JSON.stringify(shown)} of ${other}, not ${JSON.stringify(thinks)}`);
  // A block hides marks.
  if (row === null || thinks.blocked || truth.relationsOf(peer).get(user)?.blocked === true) return;
  const marks = truth.marks.get(`${id} ${peer}`) ?? { delivered: 0, read: 0 };
  // A device that began anew during a block knows the marks from before it once the next one has moved: the end of a block sends those that moved behind it (S34).
  const isUnknown = row.peer.delivered + row.peer.read === 0 && world.watch.isHidden(tab.browser, id);
  if (isUnknown) return;
  if (row.peer.delivered !== marks.delivered || row.peer.read !== marks.read)
    world.problem("J9", `${name} shows ${JSON.stringify(row.peer)} of ${other} in ${id}, not ${JSON.stringify(marks)}`);
}

function judgeCounts(world: SdkWorld, tab: Tab, at: Place): void {
  const row = tab.client.conversation(at.id).get();
  const mark = at.truth.marks.get(`${at.id} ${ownerOf(world, at.user)}`);
  const read = mark?.read ?? 0;
  const unread = at.messages.filter((message) => message.seq > read && message.from !== ownerOf(world, at.user)).length;
  if (row === null) return world.problem("J8", `${at.name} does not know ${at.id}`);
  if (row.last?.seq !== at.messages.at(-1)?.seq)
    world.problem("J8", `${at.name}: the last message of ${at.id} is ${row.last?.seq}, not ${at.messages.at(-1)?.seq}`);
  if (row.own.read !== read)
    world.problem("J9", `${at.name} has read ${row.own.read} of ${at.id}, the server says ${read}`);
  if (read > world.markedUpTo(at.user, at.id))
    world.problem("J92", `${at.user} has read ${read} of ${at.id}, and has marked ${world.markedUpTo(at.user, at.id)}`);
  judgeSettings(world, tab, at);
  if (row.isExact && row.unread !== unread)
    world.problem("J9", `${at.name} counts ${row.unread} unread in ${at.id}, not ${unread}`);
  if (!row.isExact) world.problem("J9", `${at.name} does not know how much is unread in ${at.id}`);
}
