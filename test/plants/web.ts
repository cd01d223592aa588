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
} satisfies Plants;
