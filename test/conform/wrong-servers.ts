import { closePayload, decodeFrame, encodeFrame, opcode } from "../../src/conform/wire/frame-codec.ts";
import { signToken } from "../../src/conform/wire/token.ts";
import type { Lists, Wrong } from "./wrong-server.ts";

/** The secret that signs the tokens of the servers in these tests. */
export const secret = "the secret of the conformance kit's tests";

const is = (type: string, code?: string) => (frame: { type: string; code?: string }) =>
  frame.type === type && (code === undefined || frame.code === code);
const drop = (type: string): Wrong => ({ frame: (frame) => (frame.type === type ? [] : [frame]) });
const edit = (type: string, rest: object): Wrong => ({
  frame: (frame) => [frame.type === type ? { ...frame, ...rest } : frame],
});
const dropChange = (kind: string): Wrong => ({ change: (change) => (change.kind === kind ? [] : [change]) });
const editChange = (kind: string, rest: object): Wrong => ({
  change: (change) => [change.kind === kind ? { ...change, ...rest } : change],
});
const closeWith = (from: number, to: number): Wrong => ({
  closed: (closed) => (closed.code === from ? { ...closed, code: to } : closed),
});
const status = (from: number, to: number): Wrong => ({
  answered: (answered) => (answered.status === from ? { ...answered, status: to } : answered),
});
const body = (path: string, rest: (body: Lists) => object): Wrong => ({
  answered: (answered, { url, method }) =>
    url.pathname.startsWith(path) && method === "GET" && answered.status === 200 && answered.body !== null
      ? { ...answered, body: { ...answered.body, ...rest(answered.body) } }
      : answered,
});
const anyone = { authorization: `Bearer ${signToken(secret, { user: "kit-anyone", seconds: 600 })}` };
const letsAnyoneIn: Wrong = { asked: ({ headers }) => void (headers["authorization"] ??= anyone.authorization) };
const without = (name: string): Wrong => ({ asked: ({ url }) => url.searchParams.delete(name) });

function reusesTickets(): Wrong {
  let last = "";
  return {
    asked({ url, headers }) {
      if (url.pathname === "/tickets") last = headers["authorization"] ?? "";
      if (url.searchParams.getAll("ticket").length === 1) {
        url.searchParams.delete("ticket");
        headers["authorization"] = last;
      }
    },
  };
}

/** For each case of a server: what a server does that must not pass it. */
export const wrongServers: Readonly<Record<string, readonly [fault: string, wrong: Wrong]>> = {
  "S-01": ["greets twice", { frame: (frame) => (frame.type === "welcome" ? [frame, frame] : [frame]) }],
  "S-02": ["lets strangers in", letsAnyoneIn],
  "S-03": ["ignores malformed parameters", { asked: ({ url }) => void (url.search = "") }],
  "S-04": ["answers a request without an upgrade 200", status(426, 200)],
  "S-05": ["does not look at the Origin", { asked: ({ headers }) => void delete headers["origin"] }],
  "S-06": ["echoes no subprotocol", { echoesProtocol: false }],
  "S-07": ["claims any level", edit("welcome", { level: 1_000_000 })],
  "S-08": ["forgets the reset of a higher level", drop("reset")],
  "S-09": ["takes a ticket twice", reusesTickets()],
  "S-10": ["does not move the end of the session", edit("authenticated", { expiresAt: 1_780_000_000_000 })],
  "S-11": [
    "trims texts",
    { change: (change) => [{ ...change, ...(change.text && { text: change.text.trim().slice(1) }) }] },
  ],
  "S-12": ["does not say that a send is a duplicate", edit("accepted", { duplicate: false })],
  "S-13": [
    "calls a conflict a bad frame",
    { frame: (frame) => [is("rejected", "conflict")(frame) ? { ...frame, code: "bad_frame" } : frame] },
  ],
  "S-14": ["takes the same id of two senders for one message", edit("accepted", { duplicate: true })],
  "S-15": [
    "answers an id in lower case",
    { frame: (frame) => [frame.id === undefined ? frame : { ...frame, id: frame.id.toLowerCase() }] },
  ],
  "S-16": [
    "answers two sends in the wrong order",
    {
      frame(frame, memory) {
        if (frame.type !== "accepted") return [frame];
        memory.count += 1;
        if (memory.count === 3) memory.held = frame;
        return memory.count === 3 ? [] : memory.count === 4 && memory.held !== null ? [frame, memory.held] : [frame];
      },
    },
  ],
  "S-17": [
    "sends a message to the recipient alone",
    { change: (change, { user }) => (change.from === user ? [] : [change]) },
  ],
  "S-18": [
    "cuts long texts",
    { change: (change) => [change.text === undefined ? change : { ...change, text: change.text.slice(0, 4_000) }] },
  ],
  "S-19": ["says later for what will never do", edit("rejected", { retry: "later" })],
  "S-20": [
    "says that a conversation of others exists",
    {
      answered: (answered, { url }) =>
        url.pathname.endsWith("/no-such-conversation") ? { ...answered, status: 410 } : answered,
    },
  ],
  "S-21": ["skips the first message after a cursor", skipsTheFirst()],
  "S-22": ["forgets acks", { sent: (frame) => (frame.type === "ack" ? [] : [frame]) }],
  "S-23": ["does not take the cursor of an upgrade for an ack", without("cursor")],
  "S-24": [
    "begins a first device at the end",
    { change: (change, memory) => (memory.count++ === 0 && change.kind === "message" ? [] : [change]) },
  ],
  "S-25": ["replays from the ack of the device", without("cursor")],
  "S-26": [
    "takes any cursor",
    { sent: (frame) => (frame.type === "ack" && frame["cursor"] === "\u0001" ? [] : [frame]) },
  ],
  "S-27": ["says that nothing is left while more waits", edit("changes", { more: false })],
  "S-28": [
    "keeps receipts from the reader's own devices",
    { change: (change, { user }) => (change.kind === "receipt" && change.user === user ? [] : [change]) },
  ],
  "S-29": [
    "lets marks go back",
    { change: (change, memory) => [change.kind === "receipt" && memory.count++ > 0 ? { ...change, read: 0 } : change] },
  ],
  "S-30": [
    "lets users read their own messages",
    { change: (change) => [change.kind === "receipt" && change.read ? { ...change, read: change.read + 1 } : change] },
  ],
  "S-31": [
    "answers an ack and forgets it",
    { answered: (answered, { url }) => (url.pathname === "/ack" ? { ...answered, status: 200 } : answered) },
  ],
  "S-32": [
    "turns typing around",
    { frame: (frame) => [frame.type === "typing" ? { ...frame, typing: !frame.typing } : frame] },
  ],
  "S-33": [
    "shows everybody as online",
    { frame: (frame) => [frame.type === "presence" ? { ...frame, state: "online" } : frame] },
  ],
  "S-34": [
    "rejects the blocked for now alone",
    { frame: (frame) => [is("rejected", "blocked")(frame) ? { ...frame, retry: "later" } : frame] },
  ],
  "S-35": ["does not report contacts to other devices", dropChange("relation")],
  "S-36": ["counts no versions", editChange("setting", { version: 1 })],
  "S-37": ["closes a forgotten device like any other", closeWith(4401, 1000)],
  "S-38": [
    "leaves the id out of an error",
    { frame: (frame) => [is("error")(frame) ? { ...frame, id: undefined } : frame] },
  ],
  "S-39": ["closes after bad frames with another code", closeWith(4400, 1008)],
  "S-40": ["closes after a long frame with another code", closeWith(1009, 1000)],
  "S-41": [
    "closes after damaged frames as after any other",
    {
      written(frame) {
        const found = decodeFrame(frame)?.frame;
        const isClose = found?.op === opcode.close && found.payload.readUInt16BE(0) < 3000;
        return isClose ? encodeFrame(closePayload(1000, ""), { op: opcode.close, isMasked: false }) : frame;
      },
    },
  ],
  "S-42": ["answers a ping without its id", edit("pong", { id: undefined })],
  "S-43": ["says nothing about a read of no conversation", drop("error")],
  "S-44": ["answers a new message 200", status(201, 200)],
  "S-45": [
    "leaves the last message out of a page",
    body("/messages", ({ messages }) => ({ messages: messages?.slice(0, 2) })),
  ],
  "S-46": [
    "lists the oldest first",
    body("/conversations", ({ conversations = [] }) => ({ conversations: conversations.toReversed() })),
  ],
  "S-47": ["says the name of another user", body("/me", () => ({ user: "kit-anyone" }))],
  "S-48": ["answers polls without frames", body("/changes", ({ frames }) => ({ frames: frames?.slice(0, 1) }))],
  "S-49": ["answers bad requests with another status", status(400, 422)],
  "S-50": ["does not say which methods there are", { answered: (answered) => ({ ...answered, headers: {} }) }],
  "S-51": ["lets strangers in", letsAnyoneIn],
  "S-52": ["forgets quiet hours", body("/quiet-hours", () => ({ quietHours: null }))],
  "S-53": [
    "names the data of another user",
    {
      answered: (answered) => ({ ...answered, headers: { ...answered.headers, "tidings-user": "default/kit-anyone" } }),
    },
  ],
  "S-54": ["does not look at who is named", { asked: ({ headers }) => void delete headers["tidings-user"] }],
  "S-55": [
    "leaves the last change of a full frame out of an answer",
    body("/changes", ({ frames = [] }) => ({ frames: frames.map(withoutTheLast) })),
  ],
  "S-56": ["counts notes to oneself as unread", body("/conversations", countsAll)],
};

/** Lets strangers in by this route alone. */
export const letsAnyoneInBy = (method: string, path: RegExp): Wrong => ({
  asked: ({ method: asked, url, headers }) =>
    void (asked === method && path.test(url.pathname) && (headers["authorization"] ??= anyone.authorization)),
});

function countsAll({ conversations = [] }: Lists): object {
  return { conversations: conversations.map((one) => ({ ...(one as object), unread: 1 })) };
}

function withoutTheLast(frame: unknown): unknown {
  const { changes } = frame as { readonly changes?: readonly unknown[] };
  return changes === undefined || changes.length < 2 ? frame : { ...(frame as object), changes: changes.slice(0, -1) };
}

function skipsTheFirst(): Wrong {
  return {
    change: (change, memory) =>
      memory.query.has("cursor") && change.kind === "message" && memory.count++ === 0 ? [] : [change],
  };
}
