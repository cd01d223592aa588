import { defaultLimits } from "../../../src/protocol/limits.ts";

/** The measurements, in the units of the names. */
export type Figures = {
  readonly connectionBytes: number;
  /** Of each second, for its heartbeat. */
  readonly connectionMicros: number;
  readonly nodeMessageMicros: number;
  readonly nodeReturnMicros: number;
  /** A node's time for a message between other users. */
  readonly bystanderMicros: number;
  /** The one writer's time: for a commit, and for each message in it. */
  readonly commitMs: number;
  readonly commitMessageMicros: number;
  readonly databaseMessageMicros: number;
  readonly databaseReturnMicros: number;
  readonly fileMessageBytes: number;
  readonly busMessageBytes: number;
  /** Where commits are divided: the bytes of a message to each node, to the nodes of its users (one each), and to the node that sends notifications. */
  readonly dividedNoticeBytes: number;
  readonly dividedRowsBytes: number;
  readonly dividedAllBytes: number;
  /** There: a bystander's time, and the time of the other nodes, to those of undivided commits. */
  readonly dividedBystander: number;
  readonly dividedWork: number;
};

/** The activity of connected users in the busiest hour, and the limits of machines. */
export const assumed = {
  messagesPerHour: 6,
  /** How often a device comes back: a phone that was put away, a network that changed. */
  returnsPerHour: 1,
  /** An average hour's part of the busiest hour's messages. */
  averageShare: 1 / 3,
  connectionsPerNode: 50_000,
  /** With so many devices, each on another node. */
  nodesPerUser: 2,
  /** The part of its one core that a node may use. */
  nodeCores: 0.5,
  /** One writer at a time writes to a database: the part of its time for messages. */
  writerShare: 0.7,
  /** How long a commit may wait for those of the other nodes. */
  waitMs: 1_000,
  /** The most that NATS sends to the nodes of one database: a network of 1 Gbit/s. */
  busBytesPerSecond: 125_000_000,
  /** The largest growth of one file in a day. */
  diskBytesPerDay: 100_000_000_000,
};

/** The load of one database and its nodes with this many connected users. */
export type Load = {
  readonly connected: number;
  readonly messagesPerSecond: number;
  readonly returnsPerSecond: number;
  readonly nodes: number;
  readonly nodeBytes: number;
  readonly nodeCores: number;
  readonly writerShare: number;
  /** Between two commits of one node, where all nodes always have something. */
  readonly waitMs: number;
  readonly databaseCores: number;
  readonly busBytesPerSecond: number;
  readonly diskBytesPerDay: number;
};

/** The nodes for this many connected users, and the load of each. */
function nodesFor(figures: Figures, connected: number, isDivided: boolean) {
  const messagesPerSecond = (connected * assumed.messagesPerHour) / 3_600;
  const returnsPerSecond = (connected * assumed.returnsPerHour) / 3_600;
  const own =
    (messagesPerSecond * figures.nodeMessageMicros * (isDivided ? figures.dividedWork : 1) +
      returnsPerSecond * figures.nodeReturnMicros +
      connected * figures.connectionMicros) /
    1e6;
  // Each node receives a notice of every message in the database: more nodes do not reduce that.
  const foreign = (messagesPerSecond * figures.bystanderMicros * (isDivided ? figures.dividedBystander : 1)) / 1e6;
  const byCores = foreign < assumed.nodeCores ? own / (assumed.nodeCores - foreign) : Infinity;
  const nodes = Math.ceil(Math.max(connected / assumed.connectionsPerNode, byCores));
  return { messagesPerSecond, returnsPerSecond, nodes, nodeCores: own / nodes + foreign };
}

/** What NATS sends of one message. */
const busBytesOf = (figures: Figures, nodes: number, isDivided: boolean): number =>
  isDivided
    ? figures.dividedNoticeBytes * nodes + figures.dividedRowsBytes * assumed.nodesPerUser + figures.dividedAllBytes
    : figures.busMessageBytes * nodes;

export function loadOf(figures: Figures, connected: number): Load {
  const isDivided = nodesFor(figures, connected, false).nodes >= defaultLimits.audienceNodesMin;
  const { messagesPerSecond, returnsPerSecond, nodes, nodeCores } = nodesFor(figures, connected, isDivided);
  const writerShare = (messagesPerSecond * figures.commitMessageMicros) / 1e6;
  return {
    ...{ connected, messagesPerSecond, returnsPerSecond, nodes },
    nodeBytes: (connected / nodes) * figures.connectionBytes,
    nodeCores,
    writerShare,
    // During the others' turn more gathers: commits become larger, not more.
    waitMs: writerShare < 1 ? (nodes * figures.commitMs) / (1 - writerShare) : Infinity,
    databaseCores:
      (messagesPerSecond * figures.databaseMessageMicros + returnsPerSecond * figures.databaseReturnMicros) / 1e6,
    busBytesPerSecond: messagesPerSecond * busBytesOf(figures, nodes, isDivided),
    diskBytesPerDay: messagesPerSecond * assumed.averageShare * 86_400 * figures.fileMessageBytes,
  };
}

/** The resources that may run out, and how full each is; 1 is full. */
export const shares: Readonly<Record<string, (load: Load) => number>> = {
  "the bus: NATS sends 1 Gbit/s, because every node gets a notice of every message": (load) =>
    load.busBytesPerSecond / assumed.busBytesPerSecond,
  "the turn: a node's commit waits a second for those of the others": (load) => load.waitMs / assumed.waitMs,
  "the disk: one file grows by 100 GB a day": (load) => load.diskBytesPerDay / assumed.diskBytesPerDay,
  "the writer: messages take 0.7 of its time": (load) => load.writerShare / assumed.writerShare,
};

/** The number of connected users with which something is full; found by halving, to about a thousandth. */
export function connectedUntil(figures: Figures, share: (load: Load) => number): number {
  let [low, high] = [1_000, 1e10];
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high);
    if (share(loadOf(figures, middle)) >= 1) high = middle;
    else low = middle;
  }
  return low;
}

/** How full a database may be before it is divided. */
export const fullBefore = 0.5;

/** The number of databases after a division, so that no resource of any is more than half full: each with nodes of its own. */
export function databasesFor(figures: Figures, connected: number): number {
  for (let count = 1; ; count++) {
    const load = loadOf(figures, connected / count);
    if (Object.values(shares).every((share) => share(load) < fullBefore)) return count;
  }
}
