/**
 * Writes docs/scale.md's tables from the measurements.
 *
 *   bun run bench throughput idle --remote --nodes 1,2,3 --json all.json
 *   bun scripts/bench/scale/page.ts all.json   # keeps the medians in docs/scale-figures.json, and writes the page
 *   bun scripts/bench/scale/page.ts            # writes the page again
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toTable, withPart } from "../../page-part.ts";
import { figureOf, type Kept, readKeptFigures, roundFigure as round, withResults } from "../kept-figures.ts";
import { connectedUntil, databasesFor, type Figures, loadOf, shares } from "./model.ts";

const docs = join(import.meta.dir, "../../../docs");
const keptFile = join(docs, "scale-figures.json");
const pageFile = join(docs, "scale.md");

const crowds = [10_000, 100_000, 1_000_000, 10_000_000];

/** The measurements that the page shows, with their labels. */
const shown: readonly (readonly [string, string])[] = [
  ["throughput: accepted", "one node on a file: durable messages a second, end to end"],
  ["remote: accepted", "one node on sqld"],
  ["remote: ratio to raw (goal 0.33)", "… of sqld's own raw batches"],
  ["nodes: 2 nodes: messages", "two nodes on sqld, sender and receiver never on the same one"],
  ["nodes: 3 nodes: messages", "three nodes"],
  ["remote: 2 000 pairs, one send each: messages", "one node on sqld, 4 000 users who each wait for their answer"],
  ["remote: alone: accepted p50", "one message at a time: accepted, ms"],
  ["remote: alone: accepted p99", "… 99th percentile"],
  ["nodes: 2 nodes: alone: received p50", "… received on another node, ms"],
  ["nodes: 2 nodes: alone: received p99", "… 99th percentile"],
  ["remote: devices that come back", "devices that come back, a second"],
  ["nodes: 3 nodes: hints that needed a read", "share of commit notices that needed a read (three nodes, full load)"],
  ["nodes: 3 nodes: on the bus", "published to NATS, bytes a message"],
  ["idle: each connection", "memory of an idle connection, bytes"],
  ["throughput: database file", "on disk, bytes a message with 64 bytes of text"],
  ["remote: 2 000 pairs: server's processor time", "a node's processor time, µs a message"],
  ["nodes: a node without users: processor", "… of a node that has neither sender nor receiver"],
  ["division: divided: to each node", "divided: a message's bytes to each node"],
  ["division: divided: to the nodes of its users", "… to the nodes of its users, one each"],
  ["division: divided: to the node that sends notifications", "… to the node that sends notifications"],
  ["division: divided: a node without its users, to undivided", "… time of a node without its users, to undivided"],
  ["nodes: divided: processor of two nodes, to undivided", "… time of two nodes with its users, to undivided"],
  ["idle: processor time of each, silent", "… for each silent connection, µs a second"],
  ["remote: 2 000 pairs: database's processor time", "sqld's processor time, µs a message"],
  ["remote: a raw batch, whatever is in it", "of the one writer's time: a commit by itself, ms"],
  ["remote: each message in it", "… with each message, µs"],
  ["remote: server's processor time for one", "a node's processor time, µs a device that comes back"],
  ["remote: database's processor time for one", "sqld's, µs"],
];

export const readKept = (): Kept => readKeptFigures(keptFile);
export const readScalePage = (): string => readFileSync(pageFile, "utf8");

function figuresOf(kept: Kept): Figures {
  const of = (name: string): number => figureOf(kept, name).median;
  return {
    connectionBytes: of("idle: each connection"),
    connectionMicros: of("idle: processor time of each, silent"),
    // The work for the bus in addition, which the benchmark with many pairs does not do.
    nodeMessageMicros:
      of("remote: 2 000 pairs: server's processor time") +
      Math.max(0, of("nodes: 1 node: processor of all nodes") - of("remote: server's processor time")),
    commitMs: of("remote: a raw batch, whatever is in it"),
    commitMessageMicros: of("remote: each message in it"),
    nodeReturnMicros: of("remote: server's processor time for one"),
    bystanderMicros: of("nodes: a node without users: processor"),
    databaseMessageMicros: of("remote: 2 000 pairs: database's processor time"),
    databaseReturnMicros: of("remote: database's processor time for one"),
    fileMessageBytes: of("throughput: database file"),
    busMessageBytes: of("nodes: 3 nodes: on the bus"),
    dividedNoticeBytes: of("division: divided: to each node"),
    dividedRowsBytes: of("division: divided: to the nodes of its users"),
    dividedAllBytes: of("division: divided: to the node that sends notifications"),
    dividedBystander: of("division: divided: a node without its users, to undivided"),
    dividedWork: of("nodes: divided: processor of two nodes, to undivided"),
  };
}

function formatMeasured(kept: Kept): string {
  const rows = shown.map(([name, words]) => {
    const { median, min, max } = figureOf(kept, name);
    return [words, round(median), `${round(min)} – ${round(max)}`];
  });
  return toTable(["measured", "median", "lowest – highest"], rows);
}

function formatModel(figures: Figures): string {
  const rows = crowds.map((connected) => {
    const load = loadOf(figures, connected);
    return [
      round(connected),
      round(load.messagesPerSecond),
      round(load.returnsPerSecond),
      round(load.nodes),
      `${round(load.nodeCores)} core, ${round(load.nodeBytes / 1e6)} MB`,
      round(load.databaseCores),
      round(load.writerShare),
      `${round(load.waitMs)} ms`,
      `${round(load.busBytesPerSecond / 1e6)} MB/s`,
      `${round(load.diskBytesPerDay / 1e9)} GB`,
    ];
  });
  const head = ["connected", "messages/s", "returns/s", "nodes", "a node", "sqld, cores", "of the writer", "turn"];
  return toTable([...head, "NATS sends", "disk a day"], rows);
}

function formatLimits(figures: Figures): string {
  const rows = Object.entries(shares)
    .map(([name, share]) => ({ name, connected: connectedUntil(figures, share) }))
    .toSorted((a, b) => a.connected - b.connected)
    .map(({ name, connected }) => [name, round(connected), round(loadOf(figures, connected).messagesPerSecond)]);
  return toTable(["limit", "connected in one database", "messages/s"], rows);
}

function formatDivided(figures: Figures): string {
  const rows = crowds.map((connected) => {
    const databases = databasesFor(figures, connected);
    const load = loadOf(figures, connected / databases);
    return [
      round(connected),
      round(databases),
      round(connected / databases),
      round(databases * load.nodes),
      `${round(load.busBytesPerSecond / 1e6)} MB/s`,
      `${round(load.diskBytesPerDay / 1e9)} GB`,
    ];
  });
  const head = [
    "connected",
    "databases",
    "connected in each",
    "nodes in all",
    "NATS sends for each",
    "disk a day of each",
  ];
  return toTable(head, rows);
}

/** The page's text with its tables made from the kept figures. */
export function scalePageWith(text: string, kept: Kept): string {
  const figures = figuresOf(kept);
  const { date, cores, bun, runs } = kept;
  const made: Readonly<Record<string, string>> = {
    machine: `Measured on ${date}: ${cores} cores, which the nodes, sqld, NATS and the load generator share; Bun ${bun}; medians of ${runs} runs.`,
    measured: formatMeasured(kept),
    model: formatModel(figures),
    limits: formatLimits(figures),
    divided: formatDivided(figures),
  };
  return Object.entries(made).reduce((page, [name, part]) => withPart(page, name, part), text);
}

if (import.meta.main) {
  const kept = withResults(keptFile, process.argv.slice(2));
  if (kept) {
    scalePageWith(readScalePage(), kept);
    writeFileSync(keptFile, `${JSON.stringify(kept, null, 2)}\n`);
  }
  writeFileSync(pageFile, scalePageWith(readScalePage(), readKept()));
}
