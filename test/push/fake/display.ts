/** One notification as a person sees it. */
export type Shown = {
  readonly seq: number;
  readonly title: string;
  readonly body: string;
  /** The data for the app. */
  readonly data: Readonly<Record<string, string>>;
  /** How often it was shown, with the ones that it replaced. */
  readonly times: number;
};

export type Screen = {
  /** By tag. */
  readonly notifications: ReadonlyMap<string, Shown>;
  readonly badge: number;
  /** How often the device alerted. */
  readonly alerts: number;
};

type Marks = { readonly tag: string; readonly seq: number; readonly badge: number };

/** The screens of the devices of a fake: each shows the last notice of a tag. */
export type Display = {
  /** Visible faults. */
  readonly violations: readonly string[];
  show(device: string, notice: Marks & Omit<Shown, "times">): void;
  clear(device: string, notice: Marks): void;
  /** An empty one, if the device got nothing. */
  screen(device: string): Screen;
};

type Mutable = { notifications: Map<string, Shown>; badge: number; alerts: number };

export function createDisplay(): Display {
  const violations: string[] = [];
  const screens = new Map<string, Mutable>();
  const screenOf = (device: string): Mutable => {
    const screen = screens.get(device) ?? { notifications: new Map<string, Shown>(), badge: 0, alerts: 0 };
    screens.set(device, screen);
    return screen;
  };
  return {
    violations,
    show(device, { tag, seq, title, body, data, badge }) {
      const screen = screenOf(device);
      const before = screen.notifications.get(tag);
      if (before !== undefined && before.seq > seq)
        violations.push(`${tag}: ${seq} is shown in the place of ${before.seq}`);
      screen.notifications.set(tag, { seq, title, body, data, times: (before?.times ?? 0) + 1 });
      screen.badge = badge;
      screen.alerts += 1;
    },
    clear(device, { tag, seq, badge }) {
      const screen = screenOf(device);
      const before = screen.notifications.get(tag);
      if (before !== undefined && before.seq > seq) violations.push(`${tag}: reading ${seq} takes ${before.seq} away`);
      screen.notifications.delete(tag);
      screen.badge = badge;
    },
    screen: (device) => screens.get(device) ?? { notifications: new Map(), badge: 0, alerts: 0 },
  };
}
