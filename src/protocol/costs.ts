import type { ClientFrame } from "./frame.ts";

/**
 * What each thing costs, in units of work: one is about a microsecond of the event loop of a small machine, so that one table compares a
 * message with a page of history. `scripts/bench/hostile.ts` shows whether they are right.
 */
export const costs = {
  /** A message: its part of a commit, its answer, and what goes out for it. */
  send: 50,
  /** A message, or a request, that is refused for too much: read, looked up where it may be a retry, answered. */
  refused: 30,
  /** An upgrade: who it is, where the device stands, `welcome`, presence. */
  connect: 1_500,
  /** Frames. */
  ack: 20,
  read: 50,
  typing: 60,
  ping: 10,
  watch: 50,
  /** A new token: the host is asked. */
  authenticate: 500,
  /** One user whom a `watch` names: looked up, and told of. */
  watched: 10,
  /** A request over HTTP, beside what its route says that it needs. */
  request: 75,
  /** What a user says of others: it may show or hide what their devices have. */
  relate: 200,
  /** One user of several that are said something of at once. */
  related: 20,
  /** A row that was read for an answer, or for a device that catches up. */
  row: 4,
  /** A row that was only counted. */
  counted: 0.5,
  /** 1 024 bytes of a frame or a text that is read, or goes out. */
  kib: 5,
  /** A message at one connection more than the few that most people have. */
  delivery: 5,
  /** 1 024 bytes of it there: it is encoded already. */
  deliveredKib: 0.5,
  /** 1 024 bytes of a message that is stored: they go to the log of the disk, and out again. */
  storedKib: 20,
  /** What a page of the log may come to, before it is known what it holds. */
  page: 600,
  /** What a page of conversations may come to, before it is known how much must be counted for it: one begins in a turn. */
  conversations: 2_500,
} as const satisfies Readonly<Record<string, number>> & Readonly<Record<ClientFrame["type"], number>>;

/** What so many bytes cost that are read, or go out. */
export const bytesCost = (bytes: number): number => (costs.kib * bytes) / 1_024;

/** What a message of so many bytes costs. */
export const sendCost = (bytes: number): number => costs.send + (costs.storedKib * bytes) / 1_024;
