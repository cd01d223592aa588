import type { Chance } from "../sim/chance.ts";

/** A phone that is away. */
export type Device = {
  readonly user: string;
  readonly name: string;
  readonly provider: "fcm" | "onesignal";
  readonly token: string;
  /** Its name among the displays of its provider's fake. */
  readonly screen: string;
  /** The provider does not know its token any more. */
  readonly isDead: boolean;
  /** When the answer to its logout came. */
  loggedOutAt: number | null;
};

export type Placed = {
  readonly id: string;
  readonly seq: number;
  /** When it was first sent, and when its answer came. */
  readonly askedAt: number;
  readonly answeredAt: number;
};

/** All messages from one sender to one user: the whole conversation. */
export type Talk = {
  readonly sender: string;
  readonly user: string;
  conversation: string | null;
  readonly messages: Placed[];
  readonly reads: { readonly seq: number; readonly askedAt: number; answeredAt: number }[];
};

export type Person = { readonly user: string; readonly devices: readonly Device[]; readonly talks: readonly Talk[] };

export type People = {
  readonly users: readonly Person[];
  readonly senders: readonly string[];
  /** By provider and screen. */
  readonly deviceOf: (provider: string, screen: string) => Device | undefined;
};

/** Conversations of each user. */
const talksEach = 3;

/** A few senders who write to many users; a fifth of these have two devices, with different providers. */
export function createPeople(options: { users: number; senders: number; chance: Chance }): People {
  const { chance } = options;
  const senders = Array.from({ length: options.senders }, (_, i) => `sender${i}`);
  const devices = new Map<string, Device>();

  function deviceFor(user: string, name: string, provider: Device["provider"], isDead: boolean): Device {
    const token = provider === "fcm" ? `fcm:${user}:${name}` : uuid(chance);
    const screen = provider === "fcm" ? token : `subscription:${token}`;
    const device: Device = { user, name, provider, token, screen, isDead, loggedOutAt: null };
    devices.set(`${provider} ${screen}`, device);
    return device;
  }

  const users = Array.from({ length: options.users }, (_, i): Person => {
    const user = `user${i}`;
    const [first, second] = i % 3 === 0 ? (["onesignal", "fcm"] as const) : (["fcm", "onesignal"] as const);
    const has = i % 5 === 0 ? 2 : 1;
    const own = [
      deviceFor(user, "phone", first, first === "fcm" && i % 50 === 7),
      ...(has === 2 ? [deviceFor(user, "tablet", second, false)] : []),
    ];
    const talks = Array.from({ length: Math.min(talksEach, senders.length) }, (__, k): Talk => {
      const sender = senders[(i * talksEach + k) % senders.length] ?? "";
      return { sender, user, conversation: null, messages: [], reads: [] };
    });
    return { user, devices: own, talks };
  });
  return { users, senders, deviceOf: (provider, screen) => devices.get(`${provider} ${screen}`) };
}

function uuid(chance: Chance): string {
  const digits = (count: number): string =>
    Array.from({ length: count }, () => chance.between(0, 15).toString(16)).join("");
  return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
}
