import fc from "fast-check";

/** A frame as its members in order, each value as JSON text: a name may come twice, and a value may be nonsense. */
type Members = readonly (readonly [name: string, json: string])[];

/** Names that only the server may fill (INVARIANTS T2), that objects inherit, or that look like ours. */
export const hostileNames = [
  ..."from sender user tenant device time timestamp seq delivered read accepted n epoch duplicate origin kind code".split(
    " ",
  ),
  ..."__proto__ constructor prototype toString toJSON valueOf hasOwnProperty then length".split(" "),
  ...["", "Type", "type ", "ty\\u0070e", "id\0", "to", "text", "conversation", "cursor", "typing", "id"],
];

const messageId = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
);
const user = fc.constantFrom("alice", "bob", "+249912345678", "a@b.example", "x".repeat(128));
const conversation = fc.constantFrom("c1", "c7", "czz", "c2gosa7pa2gv", "c".repeat(64));
const cursor = fc.constantFrom(
  "abcdefgh.0",
  "0123456789abcdef.zz",
  "abcdefgh.2gosa7pa2gv",
  "x",
  "abcdefgh.99999999999",
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("hi", "", "\0", "\ud800", "😀", "é".repeat(8_192), "x".repeat(16_384), "x".repeat(16_385)),
);

const member = <T>(name: string, value: fc.Arbitrary<T>) => value.map((it) => [name, JSON.stringify(it)] as const);
const target = fc.oneof(member("to", user), member("conversation", conversation));
const type = (name: string) => fc.constant(["type", JSON.stringify(name)] as const);

/** Frames of PROTOCOL 4. */
export const validFrame: fc.Arbitrary<Members> = fc.oneof(
  fc.tuple(type("send"), member("id", messageId), target, member("text", text)),
  fc.tuple(type("ack"), member("cursor", cursor)),
  fc.tuple(type("read"), member("conversation", conversation), member("seq", fc.nat())),
  fc.tuple(type("typing"), target, member("typing", fc.boolean())),
  fc.tuple(
    type("watch"),
    member("users", fc.array(fc.constantFrom("alice", "bob", "zoë", "", "x".repeat(128)), { maxLength: 6 })),
  ),
  fc.tuple(type("watch"), member("users", fc.constant(Array.from({ length: 501 }, (_, i) => `u${i}`)))),
  fc.tuple(type("ping"), member("id", fc.string({ minLength: 1, maxLength: 20 }))),
  fc.tuple(type("ping")),
);

const deep = fc
  .tuple(fc.constantFrom(["[", "]"], ['{"a":', "}"], ['{"__proto__":', "}"]), fc.constantFrom(3, 17, 200, 3_000))
  .map(([[open = "", close = ""], depth]) => open.repeat(depth) + "1" + close.repeat(depth));

/** Values as JSON text; some of them are not valid JSON. */
const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...["null", "true", "false", "0", "-0", "-1", "1.5", "1e400", "-1e400", "9007199254740993", "1e-400", "NaN", ""],
    ...[
      '""',
      '"\\u0000"',
      '"\\ud800"',
      '"\ud800"',
      '"a\0b"',
      "[]",
      "{}",
      '["send"]',
      '{"type":"send"}',
      "1".repeat(5_000),
    ],
    ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"length":1e9}', "undefined"],
  ),
  fc.string({ unit: "binary", maxLength: 20 }).map((value) => JSON.stringify(value)),
  fc.double().map((value) => String(value)),
  deep,
);

type Mutation = (members: Members) => Members;

const at = fc.nat({ max: 5 });
const replaced = (members: Members, i: number, one: readonly (readonly [string, string])[]): Members =>
  members.flatMap((old, j) => (j === i % members.length ? one : [old]));
const pick = (members: Members, i: number): readonly [string, string] =>
  members[i % members.length] ?? ["type", '"ping"'];

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  at.map(
    (i): Mutation =>
      (members) =>
        replaced(members, i, []),
  ),
  at.map((i): Mutation => (members) => [...members, pick(members, i)]),
  fc.tuple(at, hostileJson).map(([i, json]): Mutation => (members) => [...members, [pick(members, i)[0], json]]),
  fc.tuple(at, fc.constantFrom(...hostileNames)).map(
    ([i, name]): Mutation =>
      (members) =>
        replaced(members, i, [[name, pick(members, i)[1]]]),
  ),
  fc.tuple(at, hostileJson).map(
    ([i, json]): Mutation =>
      (members) =>
        replaced(members, i, [[pick(members, i)[0], json]]),
  ),
  fc
    .tuple(fc.constantFrom(...hostileNames), hostileJson)
    .map(([name, json]): Mutation => (members) => [...members, [name, json]]),
  fc.constantFrom(...hostileNames).map((name): Mutation => (members) => [[name, '"eve"'], ...members]),
);

/** A name with `\\u` is written unchanged: the parser then resolves the escape. */
const write = (members: Members): string =>
  `{${members.map(([name, json]) => `${JSON.stringify(name).replace("\\\\u", "\\u")}:${json}`).join(",")}}`;

/** Frames with one to three faults, or none. */
const mutatedFrame: fc.Arbitrary<string> = fc
  .tuple(validFrame, fc.array(mutation, { maxLength: 3 }))
  .map(([members, mutations]) =>
    write(mutations.reduce((now, mutate) => (now.length === 0 ? now : mutate(now)), members)),
  );

/** The text of a frame with a few characters removed, added or cut off. */
const damagedText: fc.Arbitrary<string> = fc
  .tuple(
    validFrame,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.string({ unit: "binary", maxLength: 3 })), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([members, cuts]) =>
    cuts.reduce((now, [place, length, put]) => {
      const i = place % (now.length + 1);
      return now.slice(0, i) + put + now.slice(i + length);
    }, write(members)),
  );

/** The longest and the deepest frames. */
const largest = fc
  .constantFrom("[", '{"a":', '{"type":', " ", '"', "\\", "1", '{"type":"ping","id":"')
  .map((unit) => unit.repeat(Math.floor(65_536 / unit.length)));

/** Texts that a client may send as a frame: right, nearly right, and nonsense. */
export const frameText: fc.Arbitrary<string> = fc.oneof(
  { weight: 2_000, arbitrary: mutatedFrame },
  { weight: 700, arbitrary: damagedText },
  { weight: 400, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  { weight: 150, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: largest },
);
