import { ChatError } from "../../error.ts";
import type { Identity } from "../../model.ts";
import { encodeConversation } from "../../protocol/conversation-id.ts";
import { flag, integer, text } from "../row.ts";
import {
  first,
  forbidden,
  type GroupCommits,
  type GroupStoreOptions,
  joinRefused,
  keyOf,
  users,
} from "./group-commit.ts";
import type { InviteStore } from "./group-store.ts";
import * as sql from "./invite-sql.ts";

const noInvite = (): ChatError => new ChatError("not_found", "There is no such invitation");

export function createInvites({
  engine,
  limits,
  commit,
  look,
  requireRole,
}: GroupStoreOptions & Pick<GroupCommits, "commit" | "look" | "requireRole">): InviteStore {
  /** An invitation that is not revoked, and whether it has uses left. */
  async function find({ tenant }: Identity, hash: string, now: number) {
    const [[row] = []] = await engine.read([{ sql: sql.selectInvited, args: [tenant, hash, now] }]);
    return row === undefined ? null : { key: integer(row, "conversation"), isUsable: flag(row, "is_usable") };
  }

  return {
    async invite(actor, conversation, { id, hash, expires, uses }, now) {
      const key = keyOf(conversation);
      await requireRole(actor, key, "admin");
      const args = first(actor, key);
      const [, , made = []] = await engine.write([
        users(actor, [])[1],
        { sql: sql.deleteExpiredInvites, args: [...args, now] },
        { sql: sql.insertInvite, args: [...args, id, hash, expires, uses, limits.groupInvitesMax] },
      ]);
      if (made.length > 0) return;
      await requireRole(actor, key, "admin");
      throw new ChatError("too_large", `A group has at most ${limits.groupInvitesMax} invitations`);
    },

    async invites(actor, conversation, { after, limit, now }) {
      const key = keyOf(conversation);
      await requireRole(actor, key, "admin");
      const [found = []] = await engine.read([
        { sql: sql.selectInvites, args: [...first(actor, key), now, after, limit + 1] },
      ]);
      const invites = found.slice(0, limit).map((row) => ({
        ...{ id: text(row, "id"), by: text(row, "user") },
        ...{ expires: integer(row, "expires"), uses: integer(row, "uses") },
      }));
      const last = invites.at(-1);
      return { invites, ...(found.length > limit && last !== undefined && { next: last.id }) };
    },

    async revokeInvite(actor, conversation, id) {
      const key = keyOf(conversation);
      await requireRole(actor, key, "admin");
      await engine.write([{ sql: sql.deleteInvite, args: [...first(actor, key), id] }]);
    },

    async invited(user, hash, now) {
      const found = await find(user, hash, now);
      if (found === null) return null;
      if (!found.isUsable && (await look(user, found.key))?.isHere !== true) return null;
      return encodeConversation(found.key);
    },

    async joinInvited(user, hash, now) {
      const found = await find(user, hash, now);
      if (found === null) throw noInvite();
      const { key } = found;
      const before = await look(user, key);
      if (before?.isHere === true) return before.view;
      if (!found.isUsable) throw noInvite();
      const args = [...first(user, key), JSON.stringify([user.user])];
      const bounds = [limits.groupMembersMax, limits.groupsPerUserMax];
      const { seen } = await commit({
        ...{ actor: user, key, now, event: { event: { type: "joined" } } },
        steps: [
          users(user, []),
          ["members", { sql: sql.joinByInvite, args: [...args, ...bounds, hash, now] }],
          ["invite", { sql: sql.useInvite, args: [key, hash] }],
        ],
      });
      if (seen?.isHere === true) return seen.view;
      // Somebody else took the last use, or it was revoked.
      if ((await find(user, hash, now))?.isUsable !== true) throw noInvite();
      throw forbidden(joinRefused);
    },
  };
}
