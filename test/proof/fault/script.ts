import type { Chance } from "../sim/chance.ts";
import type { Device, Target } from "./device.ts";

/** The users of a day and their devices: a talker sends, a listener never does. */
export function cast(isShort: boolean): readonly { readonly user: string; readonly name: string }[] {
  const readers = isShort
    ? ["alice/talker", "bob/talker", "bob/listener", "carol/talker"]
    : ["alice", "bob", "carol", "dave"].flatMap((user) => [`${user}/talker`, `${user}/listener`]);
  return readers.map((reader) => {
    const [user = "", name = ""] = reader.split("/");
    return { user, name };
  });
}

export type ScriptOptions = {
  readonly chance: Chance;
  readonly devices: readonly Device[];
  readonly isShort: boolean;
  readonly at: (ms: number, act: () => void) => void;
};

/**
 * The users' acts in a day: they write to new and known users, in bursts past the window, by name and by conversation; they
 * retry, and send another text under a known id; they ack, read, type, leave and come back; one of them stops reading for a
 * while, and one comes when others have written already. The seed moves the times and the amounts.
 */
export function planScript({ chance, devices, isShort, at }: ScriptOptions): void {
  const device = (reader: string): Device => {
    const found = devices.find((one) => one.reader === reader);
    if (!found) throw new Error(`There is no ${reader}`);
    return found;
  };
  const [alice, bob, carol, slow] = [
    device("alice/talker"),
    device("bob/talker"),
    device("carol/talker"),
    device("bob/listener"),
  ];
  const late = isShort ? "carol" : "dave";
  const about = (ms: number): number => ms + chance.between(0, 9);
  const targetOf = (from: Device, to: string): Target => {
    const conversation = from.conversationWith(to);
    return conversation === undefined ? { to } : { conversation };
  };
  const many = (count: number, act: (i: number) => void): void => {
    for (let i = 0; i < count; i++) act(i);
  };

  for (const one of devices) if (one.user !== late) at(chance.between(0, 3), one.connect);
  at(about(25), () => alice.send({ to: "bob" }, "hello", { followUps: ["duplicate", "conflict", "duplicate"] }));
  const bobs = chance.between(2, 4);
  at(about(45), () => many(bobs, (i) => bob.send(targetOf(bob, "alice"), `bob ${i}`)));
  const burst = chance.between(9, 14);
  at(about(65), () => {
    many(burst, (i) => alice.send({ to: "bob" }, `burst ${i}`));
    many(2, (i) => alice.send({ to: "carol" }, `to carol ${i}`));
  });
  at(about(85), slow.readAll);
  at(about(95), () => {
    alice.typing({ to: "bob" });
    bob.typing(targetOf(bob, "alice"));
  });
  at(about(110), slow.stall);
  const bytes = chance.between(4_000, 9_000);
  at(about(120), () => many(8, (i) => alice.send({ to: "bob" }, `large ${i} ${"x".repeat(bytes)}`)));
  at(about(145), () => {
    bob.send({ to: "alice" }, "and gone");
    bob.send({ to: "carol" }, "hello carol");
    if (chance.hits(0.5)) bob.cut();
    else at(chance.between(1, 4), bob.cut);
  });
  at(about(170), slow.drain);
  at(about(185), () => devices.filter(({ user }) => user === late).forEach((one) => one.connect()));
  at(about(205), () => alice.send({ conversation: "czz99" }, "nobody's", { wanted: "not_found" }));
  if (isShort) return;

  const dave = device("dave/talker");
  at(about(75), device("alice/listener").readAll);
  at(about(140), () => carol.send({ to: "dave" }, "are you there?", { followUps: ["duplicate"] }));
  at(about(175), () => device("alice/listener").cut());
  at(about(230), () => dave.send(targetOf(dave, "carol"), "I am", { followUps: ["conflict"] }));
  at(about(250), device("carol/listener").readAll);
}
