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
  "a draft that was saved before replaces what is typed": {
    rule: "W24",
    file: "client/sync/draft.ts",
    from: "if (isUnsaved || cancelSave !== null || changes !== before)",
    to: "if (cancelSave !== null || changes !== before)",
  },
} satisfies Plants;
