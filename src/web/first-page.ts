import type { ThreadState } from "../client/index.ts";
import type { Answer } from "../client/link/contract.ts";
import { withParameters } from "../client/link/path.ts";
import { createPages } from "../client/sync/pages.ts";
import { queryOf } from "../client/sync/target.ts";
import { createThreadRows } from "../client/sync/thread-rows.ts";
import { mergeConversation } from "../client/vault/merge.ts";
import type { Target } from "../client/vault/rows.ts";
import { historyHeader } from "../protocol/history-header.ts";
import { readEarly } from "./early-requests.ts";
import type { Identity } from "./last-identity.ts";

export type FirstPageOptions = {
  readonly self: string;
  readonly target: Target;
  /** What each address says of the user. */
  readonly parameters: Partial<Identity>;
};

/** The height of a message of one line. */
const rowPxMin = 36;

const noRanks = { up: () => 0, down: () => 0 };

/** A thread as the client will show it first, made of the answers to the early requests, which stay for the client. Null: it must be asked itself. */
export async function readFirstPage({ self, target, parameters }: FirstPageOptions): Promise<ThreadState | null> {
  const ask = async ({ path }: { readonly path: string }): Promise<Answer> =>
    await answerOf(await readEarly(withParameters(path, { ...parameters })));
  const beginning = await createPages({ ask }).beginning(queryOf(target));
  if (beginning === null || beginning === "none") return null;
  const { listed, messages } = beginning;
  const row = mergeConversation(null, { patch: { kind: "listed", listed }, ranks: noRanks });
  const [first, last] = [messages[0], messages.at(-1)];
  // A reader begins at the first unread message, and not behind it.
  if (row === null || !first || !last || (row.unread > 0 && first.seq > row.own.read + 1)) return null;
  const { id: conversation, unread, own, peer } = row;
  // Without an unread message its end is shown: those above the window come with the client.
  const shown = unread === 0 ? messages.slice(-Math.ceil(innerHeight / rowPxMin)) : messages;
  const divider = messages.find(({ seq, from }) => from !== self && seq > own.read);
  return {
    ...{ conversation, with: row.with, unread, own, peer, isMuted: row.setting.muted },
    rows: createThreadRows().make({ self, messages: shown, peer, pending: [], isUnderWay: () => false }),
    before: "loading",
    after: last.seq >= (row.last?.seq ?? 0) ? "end" : "loading",
    divider: unread === 0 ? null : (divider?.seq ?? own.read + 1),
  };
}

const nothing: Answer = { ok: false, status: 0, code: "network", message: "", retry: true };

async function answerOf(response: Response | null): Promise<Answer> {
  try {
    if (response?.ok !== true) return nothing;
    const { status, headers } = response;
    return { ok: true, status, body: await response.json(), history: headers.get(historyHeader) ?? undefined };
  } catch {
    return nothing;
  }
}
