import type { Plants } from "./plant.ts";

export const web = {
  "the service worker shows the last push": {
    rule: "U19",
    file: "web/push-worker.js",
    from: "seqOf(newest) < push.seq",
    to: "true",
  },
  "the service worker closes any notification": {
    rule: "U19",
    file: "web/push-worker.js",
    from: "if (seqOf(one) <= push.seq) one.close()",
    to: "one.close()",
  },
  "the service worker opens any address": {
    rule: "U19",
    file: "web/push-worker.js",
    from: "href.startsWith(`${self.location.origin}/`)",
    to: "href",
  },
  "a page that is left saves no draft": {
    rule: "W24",
    file: "client/receiver.ts",
    from: "options.onLeaving();",
    to: "void 0;",
  },
  "a subscription stays with the next user of the browser": {
    rule: "W54",
    file: "web/push.ts",
    from: "if (stays(localStorage.getItem(ownerKey))) return;",
    to: "if (stays(null) || ownerKey) return;",
  },
  "a storage that cannot be opened is not reported": {
    rule: "J99",
    file: "client/life.ts",
    from: 'phase = "unopened";\n      want();',
    to: 'phase = "unopened";',
  },
  "a page that is left loses what it is keeping": {
    rule: "J98",
    file: "client/sync/outbox.ts",
    from: 'if (entry.stage !== "kept") note(entry);',
    to: 'if (entry.stage === "kept") note(entry);',
  },
  "a page that is left loses the last edit of a draft": {
    rule: "J98",
    file: "client/sync/draft.ts",
    from: "if (saved !== changes) keeper.leave(",
    to: "if (saved > changes) keeper.leave(",
  },
  "a draft that was saved before replaces what is typed": {
    rule: "W24",
    file: "client/sync/draft.ts",
    from: "if (isUnsaved || cancelSave !== null || changes !== before)",
    to: "if (cancelSave !== null || changes !== before)",
  },
  "each element has a client of its own": {
    rule: "W61",
    file: "web/element/lease.ts",
    from: "all.get(key) ?? share(",
    to: "share(",
  },
  "an element takes the focus of its page": {
    rule: "W65",
    file: "web/element/element.ts",
    from: "takesFocus: chosenBy !== null",
    to: "takesFocus: true",
  },
  "an element of one thread reports all messages": {
    rule: "W62",
    file: "web/element/element.ts",
    from: 'this.#view() === "thread" ? this.#shown.target : null',
    to: "null",
  },
  "a text cannot be drawn": {
    rule: "W55",
    file: "web/text.ts",
    from: "const parts: Part[] = [];",
    to: 'const parts: Part[] = []; if (text === "not drawn") throw new Error("It cannot be drawn");',
  },
} satisfies Plants;
