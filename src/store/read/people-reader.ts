import type { Identity, Relationship } from "../../model.ts";
import type { Engine, Row } from "../engine/engine.ts";
import * as sql from "./people-sql.ts";
import type { PeoplePage } from "../store.ts";

const tieOf = (row: Row): Relationship => ({
  hasBlocked: Number(row["has_blocked"]) === 1,
  isBlocked: Number(row["is_blocked"]) === 1,
  isContact: Number(row["is_contact"]) === 1,
  hasConversation: Number(row["has_conversation"]) === 1,
});

/** Nothing stands between two people who have never had to do with each other, whether they exist or not. */
const noTie: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };

/** Reads what people have said of each other, each on one snapshot of the database. */
export function createPeopleReader({ engine }: { engine: Engine }) {
  const names = ({ tenant, user }: Identity, others: readonly string[]) => [tenant, user, JSON.stringify(others)];

  return {
    /** One tie for each of the others, in their order. */
    async ties(identity: Identity, others: readonly string[]): Promise<readonly Relationship[]> {
      const [rows = []] = await engine.read([{ sql: sql.selectTies, args: names(identity, others) }]);
      const found = new Map(rows.map((row) => [String(row["other"]), tieOf(row)]));
      return others.map((other) => found.get(other) ?? noTie);
    },

    async people(
      { tenant, user }: Identity,
      { which, after, limit }: { which: "contact" | "blocked"; after: string; limit: number },
    ): Promise<PeoplePage> {
      const text = which === "contact" ? sql.selectContacts : sql.selectBlocked;
      const [rows = []] = await engine.read([{ sql: text, args: [tenant, user, after, limit + 1] }]);
      const users = rows.slice(0, limit).map((row) => String(row["id"]));
      const last = users[users.length - 1];
      return { users, ...(rows.length > limit && last !== undefined && { next: last }) };
    },

    async isContact({ tenant, user }: Identity, other: string): Promise<boolean> {
      const [rows = []] = await engine.read([{ sql: sql.selectContact, args: [tenant, user, other] }]);
      return rows.length > 0;
    },

    /** How many relations a user has, of which at most `most` are counted, and how many of the others it has none with. */
    async countRelations(
      identity: Identity,
      { others, most }: { readonly others: readonly string[]; readonly most: number },
    ): Promise<{ readonly present: number; readonly missing: number }> {
      const args = [...names(identity, others), most];
      const [[row] = []] = await engine.read([{ sql: sql.countRelations, args }]);
      return { present: Number(row?.["present"] ?? 0), missing: Number(row?.["missing"] ?? others.length) };
    },

    /** When each was last connected, where that is known. */
    async lastSeen(tenant: string, users: readonly string[]): Promise<ReadonlyMap<string, number>> {
      const [rows = []] = await engine.read([{ sql: sql.selectSeen, args: [tenant, JSON.stringify(users)] }]);
      return new Map(rows.map((row) => [String(row["id"]), Number(row["time"])]));
    },
  };
}
