import { join } from "node:path";
import { systemClock } from "../../../src/internal/clock.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createStore } from "../../../src/store/libsql-store.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";

/** The data that each hostile user has made. */
export type HostileSizes = {
  /** The walker's own messages, between two of the other user's. */
  readonly messages: number;
  /** Conversations of the users that list them, and of the user with the badge. */
  readonly conversations: number;
  /** Devices of one user. */
  readonly devices: number;
};

/** The users of the acts. */
export const people = {
  walker: "walker",
  /** Far behind: long texts wait. */
  sleeper: "sleeper",
  /** The same, of texts that take six times as much as JSON. */
  control: "control-sleeper",
  lister: "lister",
  many: "many",
  unread: "unread",
} as const;

export const peerOf = (user: string): string => `${user}-peer`;
/** A message that the user with the many devices got. */
export const explainedId = "01900000-0000-7000-8000-00000000e1e1";

const longText = "x".repeat(16_000);
const backlogMessages = 1_000;
const unreadMessages = 100;
const atOnceMax = 4_096;

/** Fills a database through the store, so that it has everything that today's schema stores. */
export async function seedHostile(folder: string, { messages, conversations, devices }: HostileSizes): Promise<void> {
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(engine, bundledMigrations);
  const store = createStore({
    ...{ engine, clock: systemClock, random: systemRandom, limits: defaultLimits },
    onFault: (fault) => {
      throw fault;
    },
  });
  const identity = (user: string) => ({ tenant: "default", user });

  /** Sends this many messages, in batches of one commit. */
  async function send(
    count: number,
    of: (i: number) => { readonly from: string; readonly to: string; readonly text?: string; readonly id?: string },
  ): Promise<void> {
    for (let start = 0; start < count; start += atOnceMax) {
      const part = Array.from({ length: Math.min(atOnceMax, count - start) }, (_, i) => of(start + i));
      await Promise.all(
        part.map(
          ({ text = "hello", id = Bun.randomUUIDv7(), ...rest }) =>
            new Promise<void>((resolve, reject) =>
              store.append({ tenant: "default", id, text, ...rest }, ({ type }) =>
                type === "accepted" ? resolve() : reject(new Error("A seeded message was refused")),
              ),
            ),
        ),
      );
    }
  }

  const own = (user: string) => ({ from: user, to: peerOf(user) });
  const others = (user: string) => ({ from: peerOf(user), to: user });
  await send(1, () => others(people.walker));
  await send(messages, () => own(people.walker));
  await send(1, () => others(people.walker));
  await send(backlogMessages, () => ({ ...others(people.sleeper), text: longText }));
  await send(backlogMessages / 4, () => ({ ...others(people.control), text: "\u0001".repeat(16_000) }));
  await send(backlogMessages, () => ({ ...others(people.lister), text: longText }));
  await send(conversations, (i) => ({
    ...{ from: `listed-${i}`, to: people.lister },
    text: i % 10 === 0 ? longText : "hello",
  }));
  // A user who answers and never marks as read: the other user's messages must be counted between the own ones.
  for (let round = 0; round < unreadMessages; round++)
    await send(Math.ceil(conversations / 10), (i) => {
      const peer = `unread-${i}`;
      return round % 2 === 0 ? { from: peer, to: people.unread } : { from: people.unread, to: peer };
    });
  for (let i = 0; i < devices; i++) await store.openDevice(identity(people.many), `d${i}`);
  await send(1, () => ({ ...others(people.many), id: explainedId }));
  await store.close();
}
