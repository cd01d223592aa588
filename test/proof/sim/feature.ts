import type { ServerFrame } from "../../../src/protocol/frame.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import type { Chance } from "./chance.ts";
import type { Truth } from "./database.ts";
import type { SimDevice } from "./device.ts";
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";

/** One kind of operation: how often it happens, relative to the others, and its effect. */
export type OperationKind = {
  readonly weight: number;
  act(world: World, chance: Chance): void;
};

/** A device's memory of a feature, and its reaction to frames. It survives a crash of the client. */
export type Model = {
  frame?(frame: ServerFrame): void;
  /** A connection has opened: earlier frames may come again. */
  connected?(): void;
  /** The server has sent `reset`: everything known is dropped and asked for again. `truth`: the answer. */
  reset?(truth: Truth): void;
};

/** An invariant of a world at rest. Returns its violations in words. */
export type Invariant = { readonly rule: string; check(world: World): readonly string[] };

/** A feature's additions to each node. */
export type Equipment = {
  readonly push?: readonly PushProvider[];
  /** Observes the database calls, before faults are added on the way to it. */
  watch?(engine: Engine): Engine;
};

/**
 * Everything that the simulator knows of one feature. A new feature puts its operations, its model and its invariants
 * here, and joins the list in `features.ts`: from then on every world tries it.
 */
export type Feature = {
  readonly name: string;
  readonly operations: Readonly<Record<string, OperationKind>>;
  /** The worlds that have a rare feature, by their seeds; absent: chance decides. */
  readonly isIn?: (seed: number) => boolean;
  model?(device: SimDevice, world: World): Model;
  equip?(world: World, process: SimProcess): Equipment;
  /** The database was restored from a backup: knowledge holds only as far as the backup has it. */
  restored?(world: World, truth: Truth): void;
  /** The feature's unfinished work once faults have ended; a world gets time until there is none. */
  missing?(world: World): readonly string[];
  /** The same for work that may take longer: providers that were down are asked again only after a while. */
  late?(world: World): readonly string[];
  readonly invariants: readonly Invariant[];
};
