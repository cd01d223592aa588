import { type Boot, type Vault, VaultError, type Write, type Written } from "./contract.ts";
import type { SqlStatement, VaultSql } from "./libsql-sql.ts";
import { cutFirst } from "./ranges.ts";
import { messageKey, needsOf, type RankEnds, resolveWrite, type Stored } from "./resolve.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** The rows of one result. */
export type Rows = readonly { readonly [column: string]: unknown }[];

/** How often a write is decided again because another process was faster. */
const triesMax = 20;

/** The column `json` of rows that this file has written. */
const parse = <Row>(rows: Rows = []): readonly Row[] => rows.map(({ json }) => JSON.parse(String(json)) as Row);
const byKey = <Row>(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [keyOf(row), row]));

export type VaultParts = {
  readonly kind: Vault["kind"];
  /** The statements of this vault. */
  readonly sql: VaultSql;
  readonly run: (statements: readonly SqlStatement[], mode: "read" | "write") => Promise<readonly Rows[]>;
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly losses: Set<() => void>;
};

/** An open vault: the rows that have its number. */
export function createVault({ kind, sql: of, run, inTurn, losses }: VaultParts): Vault {
  const listeners = new Set<() => void>();
  let end: "lost" | "closed" | null = null;
  const lose = (): void => {
    if (end !== null) return;
    end = "lost";
    losses.delete(lose);
    for (const listener of [...listeners]) listener();
  };
  losses.add(lose);
  const { read, list, write, evict } = createAccess({ sql: of, run, onGone: lose });

  function call<Result>(work: () => Promise<Result>): Promise<Result> {
    if (end === "closed") return Promise.reject(new VaultError("failed", "This vault is closed"));
    return inTurn(async () => {
      if (end === "lost") throw new VaultError("lost", "This vault was deleted");
      return await work();
    });
  }

  return {
    kind,
    boot: (limit) =>
      call(async (): Promise<Boot> => {
        const { own, results } = await read([
          of.rows("outbox"),
          of.rows("wish"),
          of.list(Number.MAX_SAFE_INTEGER, limit),
        ]);
        const [outbox, wishes, conversations] = results;
        return { meta: own.meta, outbox: parse(outbox), wishes: parse(wishes), conversations: parse(conversations) };
      }),
    write: (changes) => call(() => write(changes)),
    messages: ({ conversation, first, last }) => call(() => list(of.messages([conversation, first, last]))),
    conversations: ({ below, limit }) => call(() => list(of.list(Math.min(below, Number.MAX_SAFE_INTEGER), limit))),
    conversation: (key) =>
      call(async () => (await list<ConversationRow>("id" in key ? of.byId(key.id) : of.byUser(key.with)))[0] ?? null),
    relations: () => call(() => list<RelationRow>(of.rows("relation"))),
    draft: (key) => call(async () => (await list<string>(of.row("draft", key)))[0] ?? null),
    evict: (wanted) => call(() => evict(wanted)),
    onLost: (listener) => void listeners.add(listener),
    close() {
      end ??= "closed";
      losses.delete(lose);
    },
  };
}

type AccessParts = Pick<VaultParts, "sql" | "run"> & { readonly onGone: () => void };

/** Reads and writes of one vault. */
function createAccess({ sql: of, run, onGone }: AccessParts) {
  /** Reads, with the vault's own row before everything else. */
  async function read(
    statements: readonly SqlStatement[],
  ): Promise<{ readonly own: Own; readonly results: readonly Rows[] }> {
    const [[row] = [], ...results] = await run([of.own, ...statements], "read");
    if (row === undefined) {
      onGone();
      throw new VaultError("lost", "This vault was deleted");
    }
    return { own: ownOf(row), results };
  }

  async function list<Row>(statement: SqlStatement): Promise<readonly Row[]> {
    return parse<Row>((await read([statement])).results[0]);
  }

  /**
   * Reads, decides, and writes only if there was no other write in between: a transaction that stays open over several calls would keep its connection from
   * all other users.
   */
  async function decide<Result>(once: () => Promise<Result | "overtaken">): Promise<Result> {
    for (let tries = 1; tries <= triesMax; tries += 1) {
      const result = await once();
      if (result !== "overtaken") return result;
    }
    throw new VaultError("failed", "Another process writes all the time");
  }

  /** Runs statements if the vault is still in the state in which it was read. */
  async function commit(own: Own, statements: readonly SqlStatement[]): Promise<"done" | "overtaken"> {
    try {
      await run([of.guard(own.writes), ...statements], "write");
      return "done";
    } catch (error) {
      if ((await read([])).own.writes === own.writes) throw error;
      return "overtaken";
    }
  }

  async function write(changes: Write): Promise<Written> {
    const needs = needsOf(changes);
    return await decide(async () => {
      const { own, results } = await read([
        of.conversationsOf(JSON.stringify(needs.conversation)),
        of.rowsOf("outbox", JSON.stringify(needs.outbox)),
        of.rowsOf("wish", JSON.stringify(needs.wish)),
        of.rowsOf("relation", JSON.stringify(needs.relation)),
        of.messagesOf(JSON.stringify(needs.message)),
        ...needs.draft.map((key) => of.row("draft", key)),
      ]);
      const [conversations, outbox, wishes, relations, messages, ...drafts] = results;
      const stored: Stored = {
        ...own,
        conversation: byKey(parse<ConversationRow>(conversations), (row) => row.id),
        outbox: byKey(parse<OutboxRow>(outbox), (row) => row.id),
        wish: byKey(parse<Wish>(wishes), (wish) => wish.key),
        relation: byKey(parse<RelationRow>(relations), (row) => row.user),
        draft: new Map(needs.draft.flatMap((key, at) => parse<string>(drafts[at]).map((text) => [key, text]))),
        message: byKey(parse<MessageRow>(messages), (row) => messageKey(row.conversation, row.seq)),
      };
      const resolved = resolveWrite(changes, stored);
      const outcome = await commit(own, of.apply(resolved));
      return outcome === "done" ? resolved.written : outcome;
    });
  }

  async function evict(wanted: number): Promise<number> {
    return await decide(async () => {
      // A conversation that holds something holds at least one message.
      const { own, results } = await read([of.held(wanted)]);
      const statements: SqlStatement[] = [];
      let left = wanted;
      for (const row of parse<ConversationRow>(results[0])) {
        const { below, dropped, kept } = cutFirst(row.ranges, left);
        left -= dropped;
        if (dropped > 0)
          statements.push(
            of.deleteMessages(row.id, below),
            of.putConversations(JSON.stringify([{ ...row, ranges: kept }])),
          );
      }
      const outcome = statements.length === 0 ? "done" : await commit(own, statements);
      return outcome === "done" ? wanted - left : outcome;
    });
  }

  return { read, list, write, evict };
}

/** The vault's own row. */
type Own = { readonly meta: Meta; readonly ranks: RankEnds; readonly writes: number };

const ownOf = (row: Rows[number]): Own => ({
  meta: JSON.parse(String(row["json"])) as Meta,
  ranks: { top: Number(row["top"]), bottom: Number(row["bottom"]) },
  writes: Number(row["writes"]),
});
