import type { ClientFrame } from "./frame.ts";

/**
 * The cost of each action, in units of work: one is about a microsecond of the event loop of a small machine, so that one table compares a
 * message with a page of history. `scripts/bench/hostile.ts` verifies them.
 */
export const costs = {
  /** A message: its part of a commit, its answer, and its deliveries. */
  send: 50,
  /** A message, or a request, that is refused for its rate: read, looked up if it may be a retry, answered. */
  refused: 30,
  /** An upgrade: authentication, the device's position, `welcome`, presence. */
  connect: 1_500,
  /** Frames. */
  ack: 20,
  read: 50,
  typing: 60,
  ping: 10,
  watch: 50,
  /** A new token: the host is asked. */
  authenticate: 500,
  /** One user in a `watch`: looked up, and answered. */
  watched: 10,
  /** A request over HTTP, beside the cost that its route declares. */
  request: 75,
  /** A change of contacts or blocks: it may show or hide data on the devices of both users. */
  relate: 200,
  /** One user of several in one such change. */
  related: 20,
  /** A row that was read for an answer, or for a device that catches up. */
  row: 4,
  /** A row that was only counted. */
  counted: 0.5,
  /** 1 024 bytes of a frame or a text that is read, or goes out. */
  kib: 5,
  /** A message at one connection more than the few that most users have. */
  delivery: 5,
  /** 1 024 bytes of such a delivery: the message is encoded already. */
  deliveredKib: 0.5,
  /** 1 024 bytes of a stored message: they are written to the log on disk, and sent. */
  storedKib: 20,
  /** The estimate for a page of the log, before its content is known. */
  page: 600,
  /** The estimate for a page of conversations, before the number of messages to count is known: one begins in a turn. */
  conversations: 2_500,
} as const satisfies Readonly<Record<string, number>> & Readonly<Record<ClientFrame["type"], number>>;

/** The cost of bytes that are read, or sent. */
export const bytesCost = (bytes: number): number => (costs.kib * bytes) / 1_024;

/** The cost of a message by the bytes of its text. */
export const sendCost = (bytes: number): number => costs.send + (costs.storedKib * bytes) / 1_024;
