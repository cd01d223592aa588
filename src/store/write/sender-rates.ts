import type { Clock } from "../../internal/clock.ts";

/** The length of a window; sends of the window before still count. */
const windowMs = 1_000;

/** Distinguishes interactive senders from those that send as fast as they can. */
export function createSenderRates({ clock, sendsMax }: { readonly clock: Clock; readonly sendsMax: number }) {
  let before = new Map<string, number>();
  let counts = new Map<string, number>();
  let begun = clock.elapsed();
  let lastLight = Number.NEGATIVE_INFINITY;

  function turnWindow(): void {
    const age = clock.elapsed() - begun;
    if (age < windowMs) return;
    before = age < 2 * windowMs ? counts : new Map<string, number>();
    counts = new Map();
    begun += age - (age % windowMs);
  }

  return {
    /** Counts one send; whether its sender has sent no more than `sendsMax` of late. */
    isLight(sender: string): boolean {
      turnWindow();
      const count = (counts.get(sender) ?? 0) + 1;
      counts.set(sender, count);
      if (count + (before.get(sender) ?? 0) > sendsMax) return false;
      lastLight = clock.elapsed();
      return true;
    },
    /** Whether such a sender was active within the last second: the next send may come at any moment. */
    areLightAbout: (): boolean => clock.elapsed() - lastLight < windowMs,
  };
}
