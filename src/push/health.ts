import type { Clock } from "../internal/clock.ts";
import type { PushNotice, PushResult } from "./provider.ts";

/** A provider has begun to fail, or works again. */
export type PushHealthChange = {
  readonly type: "failing" | "well";
  readonly provider: string;
  /** Requests in a row that failed. */
  readonly failures: number;
  /** Its answer to the last of these requests; short, without the token. */
  readonly answer: string;
};

export type PushHealthOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  readonly onChange: (change: PushHealthChange) => void;
};

/**
 * Whether the providers work, over all databases of a process. Reports a provider once when it begins to fail, and once when it works again,
 * however many messages there are.
 */
export type PushHealth = {
  /** Notes the result of a request. */
  note(provider: string, notice: Pick<PushNotice, "kind" | "token">, result: PushResult): void;
};

type Health = { failures: number; answer: string; isFailing: boolean; reportedAt: number };

/** Failures in a row until a provider is reported: one refused address says nothing about it. */
const failuresMin = 5;
/** A provider that fails and works in turn is reported at most once in this time. */
const everyMs = 60_000;
const answerCharsMax = 200;

export function createPushHealth({ clock, onChange }: PushHealthOptions): PushHealth {
  const known = new Map<string, Health>();

  function report(type: PushHealthChange["type"], provider: string, { failures, answer }: Health): void {
    onChange({ type, provider, failures, answer });
  }

  function failed(provider: string, health: Health): void {
    health.failures++;
    const now = clock.elapsed();
    if (health.isFailing || health.failures < failuresMin || now - health.reportedAt < everyMs) return;
    health.isFailing = true;
    health.reportedAt = now;
    report("failing", provider, health);
  }

  return {
    note(provider, { kind, token }, result) {
      const health = known.get(provider) ?? { failures: 0, answer: "", isFailing: false, reportedAt: -Infinity };
      known.set(provider, health);
      if (result.type === "sent") {
        if (health.isFailing) report("well", provider, health);
        Object.assign(health, { failures: 0, answer: "", isFailing: false });
        return;
      }
      // A dead address says nothing about the provider. Nor does a refused clear: some providers cannot remove a notification.
      if (result.type === "dead" || (kind === "clear" && result.type === "failed")) return;
      const said = String(result.answer).slice(0, answerCharsMax);
      health.answer = token === "" ? said : said.replaceAll(token, "…");
      failed(provider, health);
    },
  };
}
