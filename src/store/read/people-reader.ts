import type { Identity, Relationship } from "../../model.ts";
import type { Engine, Row } from "../engine/engine.ts";
import { flag, integer, text } from "../row.ts";
import * as sql from "./people-sql.ts";
import type { PeoplePage } from "../store.ts";

const relationshipOf = (row: Row): Relationship => ({
  hasBlocked: flag(row, "has_blocked"),
  isBlocked: flag(row, "is_blocked"),
  isContact: flag(row, "is_contact"),
  hasConversation: flag(row, "has_conversation"),
});

/** Of two users without any relation, whether they exist or not. */
const noRelationship: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };

/** Reads the relations between users, each call on one snapshot of the database. */
export function createPeopleReader({ engine }: { engine: Engine }) {
  const names = ({ tenant, user }: Identity, others: readonly string[]) => [tenant, user, JSON.stringify(others)];

  return {
    /** The relationship with each of the others, in their order. */
    async relationships(identity: Identity, others: readonly string[]): Promise<readonly Relationship[]> {
      const [rows = []] = await engine.read([{ sql: sql.selectRelationships, args: names(identity, others) }]);
      const found = new Map(rows.map((row) => [text(row, "other"), relationshipOf(row)]));
      return others.map((other) => found.get(other) ?? noRelationship);
    },

    async people(
      { tenant, user }: Identity,
      { which, after, limit }: { which: "contact" | "blocked"; after: string; limit: number },
    ): Promise<PeoplePage> {
      const select = which === "contact" ? sql.selectContacts : sql.selectBlocked;
      const [rows = []] = await engine.read([{ sql: select, args: [tenant, user, after, limit + 1] }]);
      const users = rows.slice(0, limit).map((row) => text(row, "id"));
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
      // No row: the user is not known yet.
      return row
        ? { present: integer(row, "present"), missing: integer(row, "missing") }
        : { present: 0, missing: others.length };
    },

    /** When each was last connected, where that is known. */
    async lastSeen(tenant: string, users: readonly string[]): Promise<ReadonlyMap<string, number>> {
      const [rows = []] = await engine.read([{ sql: sql.selectSeen, args: [tenant, JSON.stringify(users)] }]);
      return new Map(rows.map((row) => [text(row, "id"), integer(row, "time")]));
    },
  };
}
