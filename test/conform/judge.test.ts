import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { type Compared, differenceOf, type HistoryMessage } from "../../src/conform/client/difference.ts";
import type { SeenRequest } from "../../src/conform/client/faults.ts";
import type { Event, Link } from "../../src/conform/client/link.ts";
import type { Line, Program } from "../../src/conform/client/program.ts";
import type { Proxy } from "../../src/conform/client/proxy.ts";
import { validateTraffic } from "../../src/conform/client/traffic.ts";

const id = randomUUID();
const welcome = { type: "welcome", cursor: "c1", limits: { frameBytes: 1, textBytes: 1, sendWindow: 2 } };
const send = { type: "send", id, to: "bob", text: "hi" };
const server = (frame: object): Event => ({ from: "server", at: 0, frame }) as Event;
const client = (frame: object): Event => ({ from: "client", at: 0, frame }) as Event;

type Planned = {
  readonly query?: string;
  readonly events?: readonly Event[];
  readonly urls?: readonly string[];
  readonly requests?: readonly Partial<SeenRequest>[];
  readonly lines?: readonly Line[];
  readonly violations?: readonly string[];
};

/** What the rules say about one connection, besides what a right one has. */
function faultOf({
  query = "device=d",
  events = [],
  urls = [],
  requests = [],
  lines = [],
  violations = [],
}: Planned): string | null {
  const link = {
    at: 0,
    query: new URLSearchParams(query),
    violations,
    events: [server(welcome), ...events],
  } as unknown as Link;
  const attempts = urls.map((url) => ({ at: 0, url: new URL(url, "http://127.0.0.1") }));
  const proxy = { links: () => [link], attempts: () => attempts, requests: () => requests } as unknown as Proxy;
  const program = { lines: () => lines } as unknown as Program;
  return validateTraffic({ proxy, token: "secret-token", programs: [program] });
}

const asked = (method: string, path: string, rest: Partial<SeenRequest> = {}): Partial<SeenRequest> => ({
  ...{ method, url: new URL(path, "http://127.0.0.1"), body: "", answer: null, ...rest },
});
const post = (message: object): Partial<SeenRequest> => asked("POST", "/messages", { body: JSON.stringify(message) });

const shown = (seq: number): Line => ({ message: { conversation: "c", seq, id, from: "bob", text: "hi" } });

test("Y2 traffic of a right client has no fault", () => {
  const events = [client(send), server({ type: "accepted", id }), client({ type: "ack", cursor: "c1" })];
  expect(faultOf({ events, urls: ["/ws?ticket=a", "/ws?ticket=b"], lines: [shown(1), shown(2)] })).toBeNull();
});

test("Y2 what goes by HTTP alone is judged as what goes over a socket", () => {
  const answer = JSON.stringify({
    cursor: "c2",
    frames: [{ type: "changes", cursor: "c2 of the frame", changes: [] }],
  });
  const polls = [asked("GET", "/changes?device=d&cursor=c1", { answer }), asked("GET", "/changes?device=d&cursor=c2")];
  const ack = (cursor: string) => asked("POST", "/ack", { body: JSON.stringify({ device: "d", cursor }) });
  expect(faultOf({ requests: [...polls, ack("c2 of the frame"), post(send), post(send)] })).toBeNull();
  const faults = [
    faultOf({ requests: [post({ ...send, id: "7" })] }),
    faultOf({ events: [client(send)], requests: [post({ ...send, id: randomUUID() })] }),
    faultOf({ requests: [asked("GET", "/changes?device=d&cursor=c3")] }),
    faultOf({ requests: [ack("c3")] }),
    faultOf({ requests: [asked("GET", "/changes?device=e")] }),
  ];
  expect(faults).toEqual([
    '"7" is no message id',
    '"hi" was sent under two ids',
    'the cursor "c3" of a request came from no server',
    'the cursor "c3" of a request came from no server',
    "one installation came as d and e",
  ]);
});

test("Y2 each rule about traffic finds what it is about", () => {
  const other = randomUUID();
  const faults = [
    faultOf({ events: [client({ ...send, id: "7" })] }),
    faultOf({ events: [client(send), client({ ...send, text: "other" })] }),
    faultOf({ events: [client(send), client({ ...send, id: other })] }),
    faultOf({ query: "device=d&cursor=c0" }),
    faultOf({ events: [client({ type: "ack", cursor: "c2" })] }),
    faultOf({ query: "" }),
    faultOf({ query: "device=default" }),
    faultOf({ events: [server({ type: "error", code: "bad_frame" })] }),
    faultOf({ events: ["1", "2", "3"].map((text) => client({ ...send, id: randomUUID(), text })) }),
    faultOf({ urls: ["/ws?token=secret-token"] }),
    faultOf({ urls: ["/ws?ticket=a", "/ws?ticket=a"] }),
    faultOf({ lines: [shown(1), shown(1)] }),
    faultOf({ lines: [shown(2), shown(1)] }),
    faultOf({ violations: ["the client sent a frame without a mask"] }),
  ];
  expect(faults.map((fault) => fault?.replaceAll(id, "ID").replaceAll(other, "OTHER"))).toEqual([
    '"7" is no message id',
    "the id ID was used for two texts",
    '"hi" was sent under two ids',
    "the cursor c0 of an upgrade came from no server",
    'the cursor "c2" of an ack came from no server',
    "the client names no device of its own",
    "the client names no device of its own",
    'the server refused a frame of the client: {"type":"error","code":"bad_frame"}',
    "3 sends waited for their answers, and the window is 2",
    "the token is in a URL",
    "a ticket was used twice",
    "message 1 of c was shown after message 1",
    "message 1 of c was shown after message 2",
    "the client sent a frame without a mask",
  ]);
});

const message = (seq: number, rest: Partial<HistoryMessage> = {}): HistoryMessage => ({
  ...{ conversation: "c", seq, id, from: "bob", to: "alice", text: `text ${seq}`, ...rest },
});
const history = [message(1), message(2)];
const differences = (rest: Partial<Compared>): string | null =>
  differenceOf({ dump: { messages: history, outbox: [] }, history, kept: [], links: [], isLater: false, ...rest });
const dumpOf = (...messages: readonly HistoryMessage[]) => ({ dump: { messages, outbox: [] } });

test("Y2 a dump that is the history has no difference, nor has a later device that was sent a part", () => {
  expect(differences({ kept: [{ text: "text 2" }] })).toBeNull();
  const changes = [{ kind: "message", conversation: "c", seq: 2 }];
  const links = [{ events: [server({ type: "changes", changes })] } as unknown as Link];
  expect(differences({ ...dumpOf(message(2)), links, isLater: true })).toBeNull();
  expect(differences({ ...dumpOf(message(1)), links, isLater: true })).toContain("the client lacks");
});

test("Y2 each difference between a dump and the history is found", () => {
  expect([
    differences(dumpOf(message(1), message(1), message(2))),
    differences(dumpOf(message(1), message(2), message(3))),
    differences(dumpOf(message(1, { text: "altered" }), message(2))),
    differences(dumpOf(message(2), message(1))),
    differences(dumpOf(message(1)))?.slice(0, 16),
    differences({ dump: { messages: history, outbox: [{ id, text: "late" }] } }),
    differences({ kept: [{ text: "lost" }] }),
  ]).toEqual([
    "the client keeps message c 1 twice",
    expect.stringContaining("which the server does not have"),
    'text of message c 1 is "altered", and "text 1" on the server',
    "message c 1 is kept out of order",
    "the client lacks",
    '"late" still waits to be sent',
    'the server has "lost" 0 times in place of once',
  ]);
});
