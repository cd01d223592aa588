import type { ThreadRow } from "../../../src/client/api.ts";
import type { Chance } from "../sim/chance.ts";
import type { Browser } from "./browser.ts";
import type { Tab } from "./tab.ts";
import type { SdkWorld, Written } from "./world.ts";

/** What happens in a world, and how often, relative to the rest. */
export type OperationKind = { readonly weight: number; act(world: SdkWorld, chance: Chance): void };

function anyBrowser(world: SdkWorld, chance: Chance): Browser {
  return chance.pick(world.browsers);
}

/** Runs `act` in a tab that a person can use now. */
function inTab(world: SdkWorld, chance: Chance, act: (tab: Tab, other: string) => void): void {
  const { tabs, user } = anyBrowser(world, chance);
  if (tabs.length === 0) return;
  const tab = chance.pick(tabs);
  const other = chance.pick(world.plan.users.filter((one) => one !== user));
  tab.process.run(() => act(tab, other));
}

/** Sends what the composer shows. The model user remembers what became of it. */
export function sendDraft(world: SdkWorld, tab: Tab, other: string): Written | null {
  const thread = tab.thread(other);
  const text = thread.draft.get();
  if (text === "") return null;
  const sending = thread.send(text);
  const entry: Written = {
    ...{ text, browser: tab.browser, to: other, id: sending.id, losses: tab.browser.losses },
    ...{
      tab: `${tab.browser.name} ${tab.serial}`,
      at: world.written.length,
      ms: world.timeline.now(),
      state: "sent",
      answer: "none",
    },
  };
  world.written.push(entry);
  sending.kept.then(
    () => {
      if (entry.state === "sent") entry.state = "kept";
      entry.keptLosses = tab.browser.losses;
    },
    () => {
      entry.state = "refused";
      // Where storage hangs it may be sent nevertheless.
      if (thread.draft.get() === "" && world.plan.faults.disk.hangs === 0)
        world.problem("J3", `${entry.tab} dropped a text that was not kept`);
    },
  );
  sending.accepted.then(
    (message) => {
      entry.answer = "accepted";
      if (message.id !== sending.id) world.problem("J91", `${entry.tab} was told ${message.id}, not ${sending.id}`);
    },
    () => void (entry.answer = "refused"),
  );
  return entry;
}

/** What a person may still change, as the screen says; sometimes the screen is late. */
const isChanged = (chance: Chance): ((row: ThreadRow) => boolean) =>
  chance.hits(0.5) ? (row) => row.canChange : (row) => row.seq === null;

export const operations: Readonly<Record<string, OperationKind>> = {
  write: {
    weight: 30,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const { draft } = tab.thread(other);
        const isSent = chance.hits(0.8);
        if (draft.get() === "") {
          draft.set(world.newText());
          if (isSent) sendDraft(world, tab, other);
          return;
        }
        // A crash, or another tab, has left it in the composer. A person comes to the tab, sees it, and sends it.
        tab.occur("visible");
        if (isSent) void world.timeline.after(200, () => tab.process.run(() => sendDraft(world, tab, other)));
      }),
  },
  burst: {
    weight: 4,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        for (let i = chance.between(2, 12); i > 0; i--) {
          tab.thread(other).draft.set(world.newText());
          sendDraft(world, tab, other);
        }
      }),
  },
  cancel: {
    weight: 3,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const row = tab.rows(other).find(isChanged(chance));
        // Edits have the same id.
        const ofRow = () => world.written.filter((one) => one.id === row?.id);
        const entry = ofRow().findLast((one) => one.text === row?.text);
        if (row === undefined || entry === undefined) return;
        // Until the answer nobody knows; if the tab dies, for ever.
        const before = entry.state;
        entry.state = "doubtful";
        world.cancelling.add(row.id);
        tab
          .thread(other)
          .cancel(row.id)
          .then(
            (answer) => {
              world.cancelling.delete(row.id);
              entry.state = answer === "cancelled" ? answer : before;
              if (answer === "cancelled") for (const one of ofRow()) if (one.state !== "edited") one.state = answer;
            },
            () => {},
          );
      }),
  },
  edit: {
    weight: 3,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const isWanted = isChanged(chance);
        const row = tab.rows(other).find((one) => one.failed === undefined && isWanted(one));
        const entry = world.written.find((one) => one.id === row?.id && one.text === row.text);
        // One edit of a row after the other, so that it is known which text counts.
        const isChanging = world.written.some((one) => one.id === row?.id && one.state === "doubtful");
        if (row === undefined || entry === undefined || isChanging) return;
        const { answer: _, ...before } = entry;
        const next: Written = { ...before, text: world.newText(), state: "doubtful" };
        world.written.push(next);
        entry.state = "doubtful";
        tab
          .thread(other)
          .edit(row.id, next.text)
          .then(
            (answer) => {
              entry.state = answer === "edited" ? "edited" : before.state;
              // An edit of the same message in another tab was decided before: this one counts.
              const others = world.written.filter((one) => one.id === entry.id && one !== next && one.state === "kept");
              if (answer === "edited") for (const one of others) one.state = "edited";
              next.state = answer === "edited" ? "kept" : "edited";
            },
            () => {},
          );
      }),
  },
  retry: {
    weight: 3,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const row = tab.rows(other).find((one) => one.state === "failed");
        if (row === undefined) return;
        world.retried.add(row.id);
        tab.thread(other).retry(row.id);
      }),
  },
  read: {
    weight: 8,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const seqs = tab.rows(other).flatMap((row) => (row.seq === null ? [] : [row.seq]));
        const { conversation } = tab.thread(other).state.get();
        if (!tab.isVisible() || conversation === null || seqs.length === 0) return;
        const seq = chance.pick(seqs);
        world.mark(tab.browser.user, conversation, seq);
        tab.thread(other).markRead(seq);
      }),
  },
  scroll: {
    weight: 4,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const thread = tab.thread(other);
        chance.pick([thread.loadBefore, thread.loadAfter, () => thread.jump("newest"), () => thread.jump("unread")])();
        tab.client.conversations.loadMore();
      }),
  },
  "type a letter": {
    weight: 3,
    act: (world, chance) => inTab(world, chance, (tab, other) => tab.thread(other).typing(chance.hits(0.8))),
  },
  "mute it": {
    weight: 2,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        const { conversation } = tab.thread(other).state.get();
        if (conversation === null) return;
        if (chance.hits(0.5)) tab.client.mute(conversation);
        else tab.client.unmute(conversation);
      }),
  },
  "block them": {
    weight: 1,
    act: (world, chance) =>
      inTab(world, chance, (tab, other) => {
        tab.client.setBlocked(other, true);
        void world.timeline.after(chance.pick([5, chance.between(50, 800)]), () =>
          tab.process.run(() => tab.client.setBlocked(other, false)),
        );
      }),
  },
  "open a tab": {
    weight: 5,
    act(world, chance) {
      const browser = anyBrowser(world, chance);
      if (browser.tabs.length < 3) browser.openTab();
    },
  },
  "kill a tab": {
    weight: 5,
    act(world, chance) {
      const { tabs } = anyBrowser(world, chance);
      if (tabs.length === 0) return;
      world.facts.deaths++;
      chance.pick(tabs).kill();
    },
  },
  "kill a tab at an effect": {
    weight: 10,
    act(world, chance) {
      const { tabs } = anyBrowser(world, chance);
      if (tabs.length === 0) return;
      world.facts.deaths++;
      chance.pick(tabs).dieAfter(chance.between(1, 8));
    },
  },
  "crash a machine": {
    weight: 4,
    act(world, chance) {
      const browser = anyBrowser(world, chance);
      world.facts.crashes++;
      browser.crash();
      void world.timeline.after(chance.between(1, 300), () => browser.tabs.length === 0 && void browser.openTab());
    },
  },
  "freeze a tab": {
    weight: 3,
    act(world, chance) {
      const { tabs } = anyBrowser(world, chance);
      if (tabs.length === 0) return;
      const tab = chance.pick(tabs);
      tab.process.pause();
      void world.timeline.after(chance.pick([200, 3_000]), () => {
        tab.process.resume();
        tab.occur("resumed");
      });
    },
  },
  "hide or show": { weight: 4, act: (world, chance) => inTab(world, chance, (tab) => tab.show(!tab.isVisible())) },
  "jump a clock": {
    weight: 2,
    act: (world, chance) =>
      inTab(world, chance, (tab) => tab.process.jump(chance.pick([-3_600_000, -50, 50, 3_600_000]))),
  },
  "lose the network": {
    weight: 4,
    act: (world, chance) =>
      inTab(world, chance, (tab) => {
        tab.setOnline(false);
        void world.timeline.after(chance.pick([50, 500, 4_000]), () => tab.setOnline(true));
      }),
  },
  "cut a link": {
    weight: 6,
    act: (world, chance) =>
      inTab(world, chance, (tab) =>
        tab.links().forEach((link) => link.cut(chance.pick(["both", "client", "server", "none"]))),
      ),
  },
  "hold a link": {
    weight: 3,
    act: (world, chance) =>
      inTab(world, chance, (tab) => tab.links().forEach((link) => link.hold(chance.pick([50, 1_000])))),
  },
  "put off sends": {
    weight: 3,
    act: (world, chance) => inTab(world, chance, (tab) => tab.putOff(chance.pick([5, 100, 600]))),
  },
  "kill a node": { weight: 3, act: (world, chance) => world.killNode(chance) },
  "stop a node": { weight: 2, act: (world, chance) => world.stopNode(chance) },
  "back up": { weight: 2, act: (world) => void world.backUp() },
  restore: { weight: 1, act: (world, chance) => void world.restore(chance) },
  "fill a disk": {
    weight: 2,
    act(world, chance) {
      const browser = anyBrowser(world, chance);
      const { disk } = browser;
      world.evicting(browser);
      disk.setFull(true);
      void world.timeline.after(chance.between(50, 1_500), () => disk.setFull(false));
    },
  },
  "delete the data": {
    weight: 1,
    act(world, chance) {
      world.facts.losses++;
      anyBrowser(world, chance).vanish();
    },
  },
};
