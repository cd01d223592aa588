import type { Alteration } from "../support/alter-source.ts";
import { adapter } from "./adapter.ts";
import { clientInbox } from "./client-inbox.ts";
import { clientOutbox } from "./client-outbox.ts";
import { connection } from "./connection.ts";
import { database } from "./database.ts";
import { feed } from "./feed.ts";
import { hook } from "./hook.ts";
import { http } from "./http.ts";
import { hubConnection } from "./hub-connection.ts";
import { hubPeople } from "./hub-people.ts";
import { hub } from "./hub.ts";
import { internal } from "./internal.ts";
import { editsOf, type Plant, type ValueOf } from "./plant.ts";
import { protocol } from "./protocol.ts";
import { pushProvider } from "./push-provider.ts";
import { push } from "./push.ts";
import { server } from "./server.ts";
import { storeEngine } from "./store-engine.ts";
import { storeGroups } from "./store-groups.ts";
import { storeHistorySql } from "./store-history-sql.ts";
import { storeSql } from "./store-sql.ts";
import { storeWrite } from "./store-write.ts";
import { store } from "./store.ts";
import { web } from "./web.ts";

/** Every module of this folder; a new one is added here. */
const areas = {
  ...{
    adapter,
    clientInbox,
    clientOutbox,
    connection,
    database,
    feed,
    hook,
    http,
    hub,
    hubConnection,
    hubPeople,
    internal,
    protocol,
  },
  ...{ push, pushProvider, server, store, storeEngine, storeGroups, storeHistorySql, storeSql, storeWrite, web },
};

type Areas = typeof areas;
/** The value of each plant, by its name: never, where it wants none. */
type Values = { [Area in keyof Areas]: { [Name in keyof Areas[Area]]: ValueOf<Areas[Area][Name]> } }[keyof Areas];
type Keys<Union> = Union extends unknown ? keyof Union : never;
type Of<Union, Name> = Union extends Readonly<Record<Name & string, infer Value>> ? Value : never;

type AnyName = Keys<Values>;
/** The name of a plant that wants no value. */
export type PlantName = { [Name in AnyName]: [Of<Values, Name>] extends [never] ? Name : never }[AnyName];

/** Every plant, by its name. */
export const plants: ReadonlyMap<string, Plant> = collect(Object.values(areas));

/** Puts tables of plants together. Throws where two have one name: one of them would never be planted. */
export function collect(tables: readonly Readonly<Record<string, Plant>>[]): ReadonlyMap<string, Plant> {
  const all = new Map<string, Plant>();
  for (const [name, one] of tables.flatMap((table) => Object.entries(table))) {
    if (all.has(name)) throw new Error(`Two plants have the name "${name}"`);
    all.set(name, one);
  }
  return all;
}

function named(name: string): Plant {
  const found = plants.get(name);
  if (found === undefined) throw new Error(`There is no plant "${name}"`);
  return found;
}

/**
 * The alterations that plant a fault, by its name; a few plants want a value as well, such as a size in bytes.
 *
 *     startAltered({ alterations: plant("a ticket is looked up and stays in use") })
 */
export function plant<Name extends AnyName>(
  name: Name,
  ...value: [Of<Values, Name>] extends [never] ? [] : [Of<Values, Name>]
): readonly Alteration[] {
  return editsOf(named(name)).map(({ file, from, to }) => ({
    ...{ file, from },
    to: typeof to === "string" ? to : to(value[0] as never),
  }));
}

/** The rules that a plant breaks, with blanks between them. */
export const ruleOf = (name: PlantName): string => named(name).rule ?? "";
