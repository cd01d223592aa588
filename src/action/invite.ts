import { ChatError } from "../error.ts";
import type { Random } from "../internal/random.ts";
import { sha256 } from "../internal/sha256.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Actor, InvitePage, InviteStore } from "../store/group/group-store.ts";

/** An invitation as HTTP and the host's code ask for it. */
export type GivenInvite = { readonly expiresIn?: number | undefined; readonly uses?: number | undefined };

export type InviteLimits = Pick<Limits, "groupInviteMs" | "groupInviteMsMax" | "groupInviteUsesMax">;

/** 32 bytes as base64url. */
const tokenForm = /^[A-Za-z0-9_-]{43}$/;

/** The hash under which an invitation is stored: a reader of the database cannot use it. Null: the token is malformed. */
export const hashOfInvite = async (token: string): Promise<string | null> =>
  tokenForm.test(token) ? await sha256(token) : null;

const isWithin = (value: number | undefined, most: number): boolean =>
  value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most);

/**
 * Makes an invitation. Its token is in this answer alone.
 *
 * @throws ChatError `bad_request`, and the refusals of the store.
 */
export async function makeInvite(
  { groups, random, limits }: { readonly groups: Pick<InviteStore, "invite">; random: Random; limits: InviteLimits },
  {
    actor,
    group,
    now,
    ...given
  }: GivenInvite & { readonly actor: Actor; readonly group: string; readonly now: number },
) {
  const { expiresIn, uses = 1 } = given;
  if (!isWithin(expiresIn, limits.groupInviteMsMax / 1_000))
    throw new ChatError("bad_request", "expiresIn is malformed");
  if (!isWithin(uses, limits.groupInviteUsesMax)) throw new ChatError("bad_request", "uses is malformed");
  const token = random.secret();
  const invite = {
    ...{ id: random.messageId(now), hash: await sha256(token), uses },
    expires: now + (expiresIn === undefined ? limits.groupInviteMs : 1_000 * expiresIn),
  };
  await groups.invite(actor, group, invite, now);
  return { id: invite.id, token, expiresAt: invite.expires, uses };
}

/** A page of invitations as HTTP and the host's calls answer it. */
export const invitesAnswer = ({ invites, next }: InvitePage) => ({
  invites: invites.map(({ id, by, expires, uses }) => ({ id, by, expiresAt: expires, uses })),
  ...(next !== undefined && { next }),
});
