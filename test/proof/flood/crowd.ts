import type { Chance } from "../sim/chance.ts";
import type { Device, People, Person, Talk } from "./people.ts";
import { ask, createHttpSender, createSocketSender, type Sender, tryAsk } from "./sender.ts";

const registeringMax = 16;
/** The most unanswered sends of one sender. */
const windowSends = 24;
const tickMs = 5;

/** The senders that write to absent users, and these users' other devices. All keep trying while the server is down. */
export function createCrowd(options: { readonly people: People; readonly port: number; readonly chance: Chance }) {
  const { people, port, chance } = options;
  const senders = new Map<string, Sender>();
  const talksOf = Map.groupBy(
    people.users.flatMap(({ talks }) => talks),
    ({ sender }) => sender,
  );
  const complaints: string[] = [];
  let accepted = 0;

  async function send(talk: Talk): Promise<void> {
    await senders.get(talk.sender)?.send(talk);
    accepted++;
  }

  /** All senders beside each other, each at even distances over `ms`; `next` returns the next talk, or undefined at the end. */
  async function sendAll(ms: number, count: number, next: (sender: string) => Talk | undefined): Promise<void> {
    const each = count / people.senders.length;
    const from = performance.now();
    await Promise.all(
      people.senders.map(async (sender) => {
        let [begun, underWay] = [0, 0];
        const all: Promise<void>[] = [];
        for (;;) {
          const wanted = ms === 0 ? Infinity : ((performance.now() - from) / ms) * each;
          while (begun < wanted && underWay < windowSends) {
            const talk = next(sender);
            if (!talk) return void (await Promise.all(all));
            begun++;
            underWay++;
            all.push(send(talk).finally(() => underWay--));
          }
          await Bun.sleep(tickMs);
        }
      }),
    );
  }

  return {
    complaints,
    accepted: (): number => accepted,

    /** All devices register, and the senders come. */
    async enter(users: readonly Person[]): Promise<void> {
      const queue = users.flatMap(({ devices }) => devices);
      const register = async (): Promise<void> => {
        for (let device = queue.pop(); device; device = queue.pop()) {
          const { user, name, provider, token } = device;
          const body = { push: { provider, token } };
          const answer = await tryAsk(port, user, `/devices/${name}`, { method: "PUT", body });
          if (answer?.status !== 204) throw new Error(`PUT /devices is answered ${answer?.status}`);
        }
      };
      await Promise.all(Array.from({ length: registeringMax }, register));
      for (const [i, sender] of people.senders.entries())
        if (!senders.has(sender))
          senders.set(sender, i % 2 === 0 ? createSocketSender(port, sender) : createHttpSender(port));
    },

    /** This many messages to random users. */
    async write(count: number, ms: number): Promise<void> {
      const chances = new Map(people.senders.map((sender) => [sender, chance.fork(`${sender} ${accepted}`)]));
      let left = count;
      await sendAll(ms, count, (sender) =>
        left-- > 0 ? chances.get(sender)?.pick(talksOf.get(sender) ?? []) : undefined,
      );
    },

    /** One message for each talk. */
    async writeEach(talks: readonly Talk[], ms: number): Promise<void> {
      const left = Map.groupBy(talks, ({ sender }) => sender);
      await sendAll(ms, talks.length, (sender) => left.get(sender)?.pop());
    },

    /** A user has read all of it on another device. */
    async read(talk: Talk | undefined): Promise<void> {
      const seq = talk?.messages.reduce((most, one) => Math.max(most, one.seq), 0) ?? 0;
      if (!talk || talk.conversation === null || seq === 0) return;
      const mark = { seq, askedAt: performance.now(), answeredAt: Infinity };
      talk.reads.push(mark);
      const path = `/conversations/${talk.conversation}/read`;
      const { status } = await ask(port, talk.user, path, { method: "POST", body: { seq } });
      mark.answeredAt = performance.now();
      if (status !== 204) complaints.push(`POST read is answered ${status}`);
    },

    async logOut(device: Device): Promise<void> {
      const { status } = await ask(port, device.user, `/devices/${device.name}`, { method: "DELETE" });
      device.loggedOutAt = performance.now();
      if (status !== 204) complaints.push(`DELETE /devices is answered ${status}`);
    },

    leave(): void {
      for (const sender of senders.values()) sender.close();
    },
  };
}

export type Crowd = ReturnType<typeof createCrowd>;
