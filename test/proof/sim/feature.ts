import type { ServerFrame } from "../../../src/protocol/frame.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import type { Chance } from "./chance.ts";
import type { Truth } from "./database.ts";
import type { SimDevice } from "./device.ts";
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";

/** One kind of thing that happens: how often, relative to the others, and what. */
export type OperationKind = {
  readonly weight: number;
  act(world: World, chance: Chance): void;
};

/** What one device remembers of a feature, and makes of what it is told. It survives a crash of the client. */
export type Model = {
  frame?(frame: ServerFrame): void;
  /** A connection has opened: what came before may come again. */
  connected?(): void;
  /** The server has said `reset`: whatever was known is dropped, and asked for anew. `truth`: what it is answered. */
  reset?(truth: Truth): void;
};

/** Something that must hold when the world has come to rest: what is wrong, in words; an empty list where nothing is. */
export type Invariant = { readonly rule: string; check(world: World): readonly string[] };

/** What a feature brings into each node. */
export type Equipment = {
  readonly push?: readonly PushProvider[];
  /** Watches the database, before anything goes wrong on the way to it. */
  watch?(engine: Engine): Engine;
};

/**
 * Everything that the simulator knows of one feature. A new one brings its operations, its model and its invariants
 * here, and is added to the list in `features.ts`: every world tries it from then on.
 */
export type Feature = {
  readonly name: string;
  readonly operations: Readonly<Record<string, OperationKind>>;
  model?(device: SimDevice, world: World): Model;
  equip?(world: World, process: SimProcess): Equipment;
  /** The database was set back to a backup: what was known of it holds as far as it has it still. */
  restored?(world: World, truth: Truth): void;
  /** What of it is still under way once nothing goes wrong any more: a world is given time until nothing is. */
  missing?(world: World): readonly string[];
  /** The same, of what may take longer: providers that were down are asked again, a while after they are not. */
  late?(world: World): readonly string[];
  readonly invariants: readonly Invariant[];
};
