import { groupAnswer, requireGroup, requireUsers } from "./action/group.ts";
import { invitesAnswer, makeInvite } from "./action/invite.ts";
import type { ChatGroups, GroupCall } from "./chat-groups-api.ts";
import { ChatError } from "./error.ts";
import type { Clock } from "./internal/clock.ts";
import type { Random } from "./internal/random.ts";
import { refuseUnknown } from "./internal/refuse-unknown.ts";
import { type Role, roles } from "./model.ts";
import { isIdentifier, isMessageId, storedMessageId } from "./protocol/identifier.ts";
import type { Limits } from "./protocol/limits.ts";
import type { Actor, GroupStore, InviteStore } from "./store/group/group-store.ts";

export type GroupCallOptions = {
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly limits: Limits;
  /** Runs a task on the database of a tenant; rejects while the chat shuts down. */
  readonly use: <T>(tenant: string, task: (groups: GroupStore & InviteStore) => Promise<T>) => Promise<T>;
};

const noField = { code: "bad_request", text: "There is no field" } as const;
const malformed = (what: string): ChatError => new ChatError("bad_request", `${what} is malformed`);

/** Who does it: the host, in the name of a user. */
function actorOf({ tenant = "default", by }: { readonly tenant?: string; readonly by: string }): Actor {
  if (!isIdentifier(tenant) || !isIdentifier(by)) throw malformed("tenant or the user who does it");
  return { tenant, user: by, isHost: true };
}

const requireRole = (role: unknown): Role => {
  const found = roles.find((one) => one === role);
  if (found === undefined) throw malformed("role");
  return found;
};

function requireOneOf<Value>(value: unknown, values: readonly Value[], name: string): void {
  if (value !== undefined && !values.some((one) => one === value)) throw malformed(name);
}

function requireUserList(users: unknown, limits: Limits): void {
  if (!Array.isArray(users)) throw malformed("users");
  requireUsers(users as readonly string[], limits);
}

const known = ["group", "by", "tenant"];

/** The calls of a chat about groups, for the server's own code. It may be plain JavaScript: every field is checked. */
export function createGroupCalls({ clock, random, limits, use }: GroupCallOptions): ChatGroups {
  const change = async (
    call: GroupCall,
    fields: readonly string[],
    work: (groups: GroupStore, actor: Actor) => ReturnType<GroupStore["update"]>,
  ) => {
    refuseUnknown(call, { known: [...known, ...fields], ...noField });
    if (typeof call.group !== "string") throw malformed("group");
    const actor = actorOf(call);
    return groupAnswer(await use(actor.tenant, (groups) => work(groups, actor)));
  };

  return {
    async create(given) {
      refuseUnknown(given, {
        ...{ known: ["owner", "name", "data", "visibility", "history", "members", "tenant", "id"] },
        ...noField,
      });
      const { owner, name, data = {}, members = [], tenant = "default", id = random.messageId(clock.now()) } = given;
      const { visibility = "private", history = "joined" } = given;
      const { tenant: of, user } = actorOf({ tenant, by: owner });
      if (!isMessageId(id)) throw malformed("id");
      if (typeof name !== "string") throw malformed("name");
      requireGroup({ name, data }, limits);
      requireUserList(members, limits);
      requireOneOf(visibility, ["private", "open"], "visibility");
      requireOneOf(history, ["all", "joined"], "history");
      const group = { id: storedMessageId(id), name, data, visibility, history, members };
      return await use(tenant, async (groups) =>
        groupAnswer((await groups.create({ tenant: of, user }, group, clock.now())).view),
      );
    },
    update: (call) =>
      change(call, ["name", "data", "visibility", "history", "version"], (groups, actor) => {
        const { name, data, visibility, history, version } = call;
        requireGroup({ ...(name !== undefined && { name }), ...(data !== undefined && { data }) }, limits);
        requireOneOf(visibility, ["private", "open"], "visibility");
        requireOneOf(history, ["all", "joined"], "history");
        if (version !== undefined && !Number.isSafeInteger(version)) throw malformed("version");
        const { group, by: _, tenant: __, ...rest } = call;
        return groups.update(actor, group, rest, clock.now());
      }),
    add: (call) =>
      change(call, ["users"], (groups, actor) => {
        requireUserList(call.users, limits);
        return groups.add(actor, call.group, call.users, clock.now());
      }),
    remove: (call) =>
      change(call, ["user"], (groups, actor) => {
        if (!isIdentifier(call.user)) throw malformed("user");
        return groups.remove(actor, call.group, call.user, clock.now());
      }),
    setRole: (call) =>
      change(call, ["user", "role"], (groups, actor) => {
        if (!isIdentifier(call.user)) throw malformed("user");
        return groups.setRole(actor, call.group, { user: call.user, role: requireRole(call.role) }, clock.now());
      }),
    async get(call) {
      refuseUnknown(call, { known: ["group", "tenant"], ...noField });
      const { group, tenant = "default" } = call;
      if (typeof group !== "string") throw malformed("group");
      const actor = actorOf({ tenant, by: "host" });
      const view = await use(tenant, (groups) => groups.view(actor, group));
      return view && groupAnswer(view);
    },
    async members(call) {
      refuseUnknown(call, { known: ["group", "tenant", "limit", "after"], ...noField });
      const { group, tenant = "default", limit = limits.answerRowsMax, after = "" } = call;
      if (typeof group !== "string" || typeof after !== "string") throw malformed("group or after");
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.answerRowsMax) throw malformed("limit");
      const actor = actorOf({ tenant, by: "host" });
      const page = await use(tenant, (groups) => groups.members(actor, group, { after, limit }));
      return page ?? { members: [] };
    },
    async readers(call) {
      refuseUnknown(call, { known: ["group", "tenant", "seq", "limit", "after"], ...noField });
      const { group, tenant = "default", seq, limit = limits.answerRowsMax, after = "" } = call;
      if (typeof group !== "string" || typeof after !== "string") throw malformed("group or after");
      if (!Number.isSafeInteger(seq) || seq < 1) throw malformed("seq");
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.answerRowsMax) throw malformed("limit");
      const actor = actorOf({ tenant, by: "host" });
      return await use(tenant, (groups) => groups.readers(actor, group, { seq, after, limit }));
    },
    ...createInviteCalls({ clock, random, limits, use }),
  };
}

function createInviteCalls({
  clock,
  random,
  limits,
  use,
}: GroupCallOptions): Pick<ChatGroups, "invite" | "invites" | "revokeInvite"> {
  return {
    async invite(call) {
      refuseUnknown(call, { known: [...known, "expiresIn", "uses"], ...noField });
      const { group, expiresIn, uses } = call;
      if (typeof group !== "string") throw malformed("group");
      const actor = actorOf(call);
      return await use(actor.tenant, (groups) =>
        makeInvite({ groups, random, limits }, { actor, group, now: clock.now(), expiresIn, uses }),
      );
    },
    async invites(call) {
      refuseUnknown(call, { known: ["group", "tenant", "limit", "after"], ...noField });
      const { group, tenant = "default", limit = limits.answerRowsMax, after = "" } = call;
      if (typeof group !== "string" || typeof after !== "string") throw malformed("group or after");
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.answerRowsMax) throw malformed("limit");
      const actor = actorOf({ tenant, by: "host" });
      const page = { after, limit, now: clock.now() };
      return invitesAnswer(await use(tenant, (groups) => groups.invites(actor, group, page)));
    },
    async revokeInvite(call) {
      refuseUnknown(call, { known: ["group", "tenant", "invite"], ...noField });
      const { group, tenant = "default", invite } = call;
      if (typeof group !== "string" || !isMessageId(invite)) throw malformed("group or invite");
      const actor = actorOf({ tenant, by: "host" });
      await use(tenant, (groups) => groups.revokeInvite(actor, group, storedMessageId(invite)));
    },
  };
}
