import { userSubject, wholeSubject } from "../../src/feed/audience.ts";
import { createCommitNotices } from "../../src/feed/commit-notices.ts";
import { createFeed } from "../../src/feed/feed.ts";
import { systemClock } from "../../src/internal/clock.ts";
import type { LogEntry } from "../../src/model.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { type Benchmark, type Measure, measure } from "./benchmark.ts";

const epoch = "01980000-0000-7000-8000-000000000000";
const users = 100_000;
/** As where twenty nodes write 1,700 messages a second: each with a receipt of its recipient. */
const messagesPerCommit = 8;
const commits = 20_000;

type Text = { readonly subject: readonly string[]; readonly text: string };
type Commit = { readonly from: number; readonly to: number; readonly entries: readonly LogEntry[] };

/**
 * The texts that nodes exchange about a commit, undivided and divided: their bytes, and the processor time of a node that writes them, and of one that
 * none of them concerns. In one process, without a network.
 */
export const division: Benchmark = async ({ textBytes }) => {
  const made = Array.from({ length: commits }, (_, i) => commitAt(i * messagesPerCommit * 2, textBytes));
  const [whole, divided] = [write(made, false), write(made, true)];
  const rates = { whole: await bystander(whole.texts), divided: await bystander(divided.texts) };
  const messages = commits * messagesPerCommit;
  const bytesOf = (texts: readonly Text[], isOf: (text: Text) => boolean): number =>
    texts.filter(isOf).reduce((sum, { text }) => sum + text.length, 0) / messages;
  const isNotice = ({ subject }: Text): boolean => subject[0] === "commits";
  const isRows = ({ subject }: Text): boolean => subject[0] === userSubject(epoch, { tenant: "", user: "" })[0];
  const isWhole = ({ subject }: Text): boolean => subject[0] === wholeSubject(epoch)[0];
  return [
    measure("undivided: to each node", "bytes/message", bytesOf(whole.texts, isNotice)),
    measure("divided: to each node", "bytes/message", bytesOf(divided.texts, isNotice)),
    measure("divided: to the nodes of its users", "bytes/message", bytesOf(divided.texts, isRows)),
    measure("divided: to the node that sends notifications", "bytes/message", bytesOf(divided.texts, isWhole)),
    measure("undivided: written", "µs/message", whole.micros),
    measure("divided: written", "µs/message", divided.micros),
    measure("undivided: a node without its users", "µs/message", rates.whole),
    measure("divided: a node without its users", "µs/message", rates.divided),
    measure("divided: a node without its users, to undivided", "×", rates.divided / rates.whole),
  ] satisfies readonly Measure[];
};

function commitAt(from: number, textBytes: number): Commit {
  const entries: LogEntry[] = [];
  for (let i = 0; i < messagesPerCommit; i++) {
    const n = from + 1 + 2 * i;
    const [sender, recipient] = [`user-${(n * 7_919) % users}`, `user-${(n * 104_729) % users}`];
    const conversation = `c${n.toString(36)}qwertyuiop`;
    const id = `01980000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
    const text = "x".repeat(textBytes);
    entries.push(
      {
        ...{ tenant: "", users: [sender, recipient] },
        change: { kind: "message", n, conversation, seq: 7, id, from: sender, to: recipient, text, time: 1.78e12 },
      },
      {
        ...{ tenant: "", users: [recipient, sender] },
        change: { kind: "receipt", n: n + 1, conversation, user: recipient, delivered: 7, read: 0 },
      },
    );
  }
  return { from, to: from + 2 * messagesPerCommit, entries };
}

const microsOf = (began: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / (commits * messagesPerCommit);
};

function write(made: readonly Commit[], isDivided: boolean): { readonly texts: readonly Text[]; micros: number } {
  const texts: Text[] = [];
  const notices = createCommitNotices({
    publish: (subject, text) => void texts.push({ subject, text }),
    subscribe: () => () => {},
    onGap() {},
    close: async () => {},
  });
  notices.divideWhile(() => isDivided);
  const began = process.cpuUsage();
  for (const commit of made) notices.announce({ ...commit, epoch });
  return { texts, micros: microsOf(began) };
}

/** The processor time of a node that gets the notices, and on which other users are. */
async function bystander(texts: readonly Text[]): Promise<number> {
  let receive = (_: string): void => {};
  const feed = createFeed({
    store: {
      head: async () => ({ epoch, n: 0 }),
      log: async () => Promise.reject(new Error("A notice did not bring what it must")),
      onCommit() {},
      settled: async () => {},
      cannotRead() {},
    },
    clock: systemClock,
    limits: defaultLimits,
    notices: createCommitNotices({
      publish() {},
      subscribe(subject, listener) {
        if (subject[0] === "commits") receive = listener;
        return () => {};
      },
      onGap() {},
      close: async () => {},
    }),
  });
  await feed.start();
  for (let i = 0; i < 50_000; i++) feed.need({ tenant: "", user: `other-${i}` });
  const own = texts.filter(({ subject }) => subject[0] === "commits");
  const began = process.cpuUsage();
  for (const { text } of own) receive(text);
  const micros = microsOf(began);
  const { applied, read } = feed.counts();
  feed.stop();
  if (applied !== commits || read > 0) throw new Error(`Of ${commits} commits ${applied} were applied, ${read} read`);
  return micros;
}
