import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { DeviceStore, SweptTo } from "../store/push/device-store.ts";

export type DeviceSweepOptions = {
  readonly store: { readonly devices: Pick<DeviceStore, "sweep"> };
  readonly clock: Clock;
  readonly limits: Pick<Limits, "deviceForgetMs" | "deviceSweepMs">;
  /** Called with each failure; the sweep goes on at its next turn. */
  readonly report: (error: unknown) => void;
};

/** The sweep of a database on this node. */
export type DeviceSweep = { stop(): void };

/**
 * Forgets devices that were not seen for long: now and then a bounded number of them is looked at, from the one that was not seen for longest, and
 * from the beginning again after the last. Every node does so, for none needs to be the only one.
 */
export function createDeviceSweep({ store, clock, limits, report }: DeviceSweepOptions): DeviceSweep {
  let isStopped = false;
  let place: SweptTo | null = null;
  let cancel = clock.after(limits.deviceSweepMs, sweep);

  function sweep(): void {
    store.devices
      .sweep({ before: clock.now() - limits.deviceForgetMs, after: place })
      .then((to) => void (place = to))
      .catch(report)
      .finally(() => {
        if (!isStopped) cancel = clock.after(limits.deviceSweepMs, sweep);
      });
  }

  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
