import type { Clock } from "../internal/clock.ts";
import type { PushNotice, PushResult } from "./provider.ts";

/** That a provider has begun to refuse what it is asked, or takes it again. */
export type PushHealthChange = {
  readonly type: "failing" | "well";
  readonly provider: string;
  /** Requests in a row that failed. */
  readonly failures: number;
  /** What the provider answered to the last one of these; short, without the token. */
  readonly answer: string;
};

export type PushHealthOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  readonly onChange: (change: PushHealthChange) => void;
};

type Health = { failures: number; answer: string; isFailing: boolean; reportedAt: number };

/** So many in a row, with nothing sent between: a single address that is refused is no news. */
const failuresMin = 5;
/** A provider that fails and works in turn is reported so often at most. */
const everyMs = 60_000;
const answerCharsMax = 200;

/**
 * Whether providers take what they are asked, over all databases of a process. Reports a provider once when it begins to fail, and once
 * when it takes something again, however many messages there are.
 */
export function createPushHealth({ clock, onChange }: PushHealthOptions) {
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
    /** What a request has come to. */
    note(provider: string, { kind, token }: Pick<PushNotice, "kind" | "token">, result: PushResult): void {
      const health = known.get(provider) ?? { failures: 0, answer: "", isFailing: false, reportedAt: -Infinity };
      known.set(provider, health);
      if (result.type === "sent") {
        if (health.isFailing) report("well", provider, health);
        Object.assign(health, { failures: 0, answer: "", isFailing: false });
        return;
      }
      // A dead address says nothing of its provider. Nor does a clear that is refused: some cannot take a notification away.
      if (result.type === "dead" || (kind === "clear" && result.type === "failed")) return;
      const said = String(result.answer).slice(0, answerCharsMax);
      health.answer = token === "" ? said : said.replaceAll(token, "…");
      failed(provider, health);
    },
  };
}

export type PushHealth = ReturnType<typeof createPushHealth>;
