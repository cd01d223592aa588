import type { Clock } from "../../internal/clock.ts";

export type DelayOptions = {
  readonly clock: Clock;
  readonly delayMs: number;
  readonly onDue: () => void;
  /** Whether anything waits for the end of the delay. */
  readonly isWanted: () => boolean;
};

/** A delay that begins with the first start, and is due from its end until it is reset. */
export function createDelay({ clock, delayMs, isWanted, onDue }: DelayOptions) {
  let isDue = false;
  let timer: "off" | "running" = "off";

  return {
    start(): void {
      if (timer === "running" || !isWanted()) return;
      timer = "running";
      clock.after(delayMs, () => {
        timer = "off";
        if (!isWanted()) return;
        isDue = true;
        onDue();
      });
    },
    end: (): void => void (isDue = true),
    reset: (): void => void (isDue = false),
    isDue: (): boolean => isDue,
  };
}
