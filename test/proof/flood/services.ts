import type { Chance } from "../sim/chance.ts";
import type { Screen } from "../../push/fake/display.ts";
import { fcmFaults, openFcm } from "../../push/fake/fcm.ts";
import { openOneSignal } from "../../push/fake/onesignal.ts";
import type { Device } from "./people.ts";
import type { FloodSettings } from "./start.ts";

/** The result of a request: shown and confirmed; shown, and the answer lost; known, confirmed and not shown again; not now; never. */
export type Fate = "taken" | "lost" | "known" | "later" | "dead";

/** One request, as a provider's fake got it. */
export type Request = {
  readonly at: number;
  readonly provider: Device["provider"];
  readonly screen: string;
  readonly kind: string;
  readonly conversation: string;
  readonly seq: number;
  readonly unread: number;
  readonly badge: number;
  /** Empty where the provider has none. */
  readonly key: string;
  readonly fate: Fate;
};

export type Services = {
  readonly requests: readonly Request[];
  readonly settings: Pick<FloodSettings, "fcm" | "oneSignal">;
  screen(device: Device): Screen;
  /** Requests that no provider would take, and notifications that no user would want. */
  violations(): readonly string[];
  /** From 0 to 1: how often a request is answered 429 or 503. */
  failing: number;
  close(): Promise<void>;
};

/** For refused requests: FCM's 429 makes a client wait for at least a second, since it cannot express less. */
const limitedShare = 0.3;
const lostShare = 0.01;
const onItsWayMsMax = 60_000;

/** Both providers, in this process: half of the time they refuse, and sometimes their answer gets lost. */
export async function openServices(options: {
  readonly chance: Chance;
  readonly isDead: (provider: Device["provider"], screen: string) => boolean;
}): Promise<Services> {
  const { chance, isDead } = options;
  const fcm = await openFcm({ now: Date.now, onItsWayMsMax });
  const oneSignal = await openOneSignal();
  const requests: Request[] = [];
  const replies = {
    429: { ...fcmFaults.quota, headers: { "Retry-After": "1" } },
    503: { ...fcmFaults.unavailable, headers: {} },
  };

  type Sent = { readonly screen: string; readonly key: string; readonly data: Readonly<Record<string, string>> };
  function note(provider: Device["provider"], { screen, key, data }: Sent, fate: Fate): void {
    const { kind = "", conversation = "" } = data;
    const numbers = { seq: Number(data["seq"]), unread: Number(data["unread"]), badge: Number(data["badge"]) };
    requests.push({ at: performance.now(), provider, screen, kind, conversation, ...numbers, key, fate });
  }
  function decide(provider: Device["provider"], sent: Sent): "ok" | "lost" | 429 | 503 | "dead" {
    if (isDead(provider, sent.screen)) {
      note(provider, sent, "dead");
      return "dead";
    }
    if (chance.hits(services.failing)) {
      note(provider, sent, "later");
      return chance.hits(limitedShare) ? 429 : 503;
    }
    const isLost = chance.hits(lostShare);
    note(provider, sent, isLost ? "lost" : "taken");
    return isLost ? "lost" : "ok";
  }

  fcm.decide = ({ token, data }) => {
    const fate = decide("fcm", { screen: token, key: "", data });
    return typeof fate === "number" ? replies[fate] : fate === "dead" ? "unregistered" : fate;
  };
  oneSignal.decide = ({ target, key, data }) => {
    const fate = decide("onesignal", { screen: target, key, data });
    return typeof fate === "number"
      ? { ...replies[fate], body: { errors: ["Not now"] } }
      : fate === "dead"
        ? "unsubscribed"
        : fate;
  };
  oneSignal.onReplay = ({ target, key, data }) => note("onesignal", { screen: target, key, data }, "known");

  const services: Services = {
    requests,
    settings: {
      fcm: { serviceAccount: fcm.serviceAccount(), baseUrl: fcm.url },
      oneSignal: { appId: oneSignal.appId, apiKey: oneSignal.apiKey, baseUrl: oneSignal.url },
    },
    screen: ({ provider, screen }) => (provider === "fcm" ? fcm : oneSignal).display.screen(screen),
    violations: () => [fcm, oneSignal].flatMap((fake) => [...fake.violations, ...fake.display.violations]),
    failing: 0.5,
    async close() {
      await Promise.all([fcm.close(), oneSignal.close()]);
    },
  };
  return services;
}
