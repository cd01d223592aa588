import { peerDependencies } from "../../package.json";

/** Versions of the package's peers that an app may have together, as installed, such as `ws@8.21.0`. */
export type PeerSet = { readonly name: string; readonly packages: readonly string[] };

type Peer = keyof typeof peerDependencies;
const peers = Object.keys(peerDependencies) as readonly Peer[];

/** A range is one or more of `^1.2.3`, with ` || ` between them. */
const partsOf = (range: string): readonly string[] => range.split(" || ");

/** The number of parts of the peer with the most of them. */
const partCount = Math.max(...peers.map((peer) => partsOf(peerDependencies[peer]).length));

const partOf = (peer: Peer, index: number): string => {
  const parts = partsOf(peerDependencies[peer]);
  return parts[Math.min(index, parts.length - 1)] ?? "";
};

/** The lowest version of each part of each range; the highest ones are in the lock file or the registry. */
export const lowestPeers: readonly PeerSet[] = Array.from({ length: partCount }, (_, index) => {
  const packages = peers.map((peer) => `${peer}@${partOf(peer, index).replace("^", "")}`);
  return { name: `the lowest: ${packages.join(", ")}`, packages };
});

/** The newest version in the registry of each part of each range. */
export const newestPeers: readonly PeerSet[] = Array.from({ length: partCount }, (_, index) => {
  const packages = peers.map((peer) => `${peer}@${partOf(peer, index)}`);
  return { name: `the newest: ${packages.join(", ")}`, packages };
});

/** The range of each peer, as pages write it. */
export const peerRanges: readonly (readonly [peer: string, range: string])[] = peers.map((peer) => [
  peer,
  peerDependencies[peer],
]);
