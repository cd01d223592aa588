import type { Resolved, Rows } from "./resolve.ts";

/** A text of SQL with its arguments. */
export type SqlStatement = readonly [sql: string, ...args: (string | number | null)[]];

/** Rows are JSON in the column `json`, which keeps every character; beside it are the keys. */
export type TableNames = {
  readonly vault: string;
  readonly row: string;
  readonly conversation: string;
  readonly message: string;
};

/** The rows that are one for each key. */
const kinds = ["outbox", "wish", "draft", "relation"] as const;
type Kind = (typeof kinds)[number];

export const namesOf = (prefix: string): TableNames => ({
  vault: `${prefix}vault`,
  row: `${prefix}row`,
  conversation: `${prefix}conversation`,
  message: `${prefix}message`,
});

/** The statements of all vaults. */
export function tablesSql({ vault, row, conversation, message }: TableNames) {
  return {
    create: [
      // AUTOINCREMENT: the number of a vault that was destroyed is given to no other.
      [
        `CREATE TABLE IF NOT EXISTS ${vault} (id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL UNIQUE, writes INTEGER NOT NULL,
           top INTEGER NOT NULL, bottom INTEGER NOT NULL, json TEXT NOT NULL)`,
      ],
      [
        `CREATE TABLE IF NOT EXISTS ${row} (vault INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,
           PRIMARY KEY (vault, kind, key)) WITHOUT ROWID`,
      ],
      // held: the rank, if messages of it are held.
      [
        `CREATE TABLE IF NOT EXISTS ${conversation} (vault INTEGER NOT NULL, id TEXT NOT NULL, rank INTEGER NOT NULL, peer TEXT, held INTEGER,
           json TEXT NOT NULL, PRIMARY KEY (vault, id)) WITHOUT ROWID`,
      ],
      [`CREATE INDEX IF NOT EXISTS ${conversation}_rank ON ${conversation} (vault, rank)`],
      [`CREATE INDEX IF NOT EXISTS ${conversation}_peer ON ${conversation} (vault, peer) WHERE peer IS NOT NULL`],
      [`CREATE INDEX IF NOT EXISTS ${conversation}_held ON ${conversation} (vault, held) WHERE held IS NOT NULL`],
      [
        `CREATE TABLE IF NOT EXISTS ${message} (vault INTEGER NOT NULL, conversation TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL,
           PRIMARY KEY (vault, conversation, seq)) WITHOUT ROWID`,
      ],
    ] satisfies readonly SqlStatement[],
    pragmas: [["PRAGMA synchronous"], ["PRAGMA database_list"]] satisfies readonly SqlStatement[],
    scopes: [`SELECT scope FROM ${vault} ORDER BY id`] satisfies SqlStatement,
    find: (scope: string): SqlStatement => [`SELECT id FROM ${vault} WHERE scope = ?`, scope],
    /** Leaves one that another process has made meanwhile as it is. */
    add: (scope: string, meta: string): SqlStatement => [
      `INSERT INTO ${vault} (scope, writes, top, bottom, json) VALUES (?, 0, 0, 0, ?) ON CONFLICT (scope) DO NOTHING`,
      scope,
      meta,
    ],
    destroy: (id: number): readonly SqlStatement[] => [
      [`DELETE FROM ${vault} WHERE id = ?`, id],
      ...[row, conversation, message].map((table): SqlStatement => [`DELETE FROM ${table} WHERE vault = ?`, id]),
    ],
  };
}

/** The statements of one vault. */
export const vaultSql = (names: TableNames, id: number) => ({ ...readSql(names, id), ...writeSql(names, id) });
export type VaultSql = ReturnType<typeof vaultSql>;

function readSql({ vault, row, conversation, message }: TableNames, id: number) {
  const select = (table: string, where: string): string => `SELECT json FROM ${table} WHERE vault = ? ${where}`;
  return {
    own: [`SELECT writes, top, bottom, json FROM ${vault} WHERE id = ?`, id] satisfies SqlStatement,
    /** Fails, and its transaction with it, if the vault is gone or was written since `writes`: a column that may not be NULL becomes NULL. */
    guard: (writes: number): SqlStatement => [
      `INSERT INTO ${vault} (id, scope, writes, top, bottom, json)
             VALUES (?, '', (SELECT writes + 1 FROM ${vault} WHERE id = ? AND writes = ?), 0, 0, '')
             ON CONFLICT (id) DO UPDATE SET writes = excluded.writes`,
      id,
      id,
      writes,
    ],
    rows: (kind: Kind): SqlStatement => [select(row, "AND kind = ? ORDER BY key"), id, kind],
    row: (kind: Kind, key: string): SqlStatement => [select(row, "AND kind = ? AND key = ?"), id, kind, key],
    rowsOf: (kind: Kind, keys: string): SqlStatement => [
      select(row, "AND kind = ? AND key IN (SELECT value FROM json_each(?))"),
      id,
      kind,
      keys,
    ],
    byId: (key: string): SqlStatement => [select(conversation, "AND id = ?"), id, key],
    byUser: (user: string): SqlStatement => [select(conversation, "AND peer = ? LIMIT 1"), id, user],
    conversationsOf: (ids: string): SqlStatement => [
      select(conversation, "AND id IN (SELECT value FROM json_each(?))"),
      id,
      ids,
    ],
    list: (below: number, limit: number): SqlStatement => [
      select(conversation, "AND rank < ? ORDER BY rank DESC LIMIT ?"),
      id,
      below,
      limit,
    ],
    held: (limit: number): SqlStatement => [
      select(conversation, "AND held IS NOT NULL ORDER BY held LIMIT ?"),
      id,
      limit,
    ],
    messages: ([of, first, last]: readonly [string, number, number]): SqlStatement => [
      select(message, "AND conversation = ? AND seq BETWEEN ? AND ? ORDER BY seq"),
      id,
      of,
      first,
      last,
    ],
    /** CROSS JOIN: the keys first, then one row for each. */
    messagesOf: (keys: string): SqlStatement => [
      `SELECT m.json FROM json_each(?) k CROSS JOIN ${message} m ON m.vault = ? AND m.conversation = k.value ->> 0 AND m.seq = k.value ->> 1`,
      keys,
      id,
    ],
  };
}

/** The last change of each row of a store, by key: one map, or none where nothing changes. */
function changes({ rows }: Resolved, store: keyof Rows): readonly ReadonlyMap<string, unknown>[] {
  const last = new Map(rows.filter(([name]) => name === store).map(([, key, row]) => [key, row]));
  return last.size === 0 ? [] : [last];
}

function writeSql({ vault, row, conversation, message }: TableNames, id: number) {
  const putConversations = (json: string): SqlStatement => [
    `INSERT OR REPLACE INTO ${conversation} (vault, id, rank, peer, held, json) SELECT ?, value ->> '$.id', value ->> '$.rank',
           value ->> '$.with', iif(json_array_length(value, '$.ranges') > 0, value ->> '$.rank', NULL), value FROM json_each(?)`,
    id,
    json,
  ];
  const put = (kind: Kind, rows: readonly (readonly [key: string, value: unknown])[]): readonly SqlStatement[] =>
    rows.length === 0
      ? []
      : [
          [
            `INSERT OR REPLACE INTO ${row} (vault, kind, key, json) SELECT ?, ?, value ->> 0, value ->> 1 FROM json_each(?)`,
            id,
            kind,
            JSON.stringify(rows.map(([key, value]) => [key, JSON.stringify(value)])),
          ],
        ];
  const remove = (kind: Kind, keys: readonly string[]): readonly SqlStatement[] =>
    keys.length === 0
      ? []
      : [
          [
            `DELETE FROM ${row} WHERE vault = ? AND kind = ? AND key IN (SELECT value FROM json_each(?))`,
            id,
            kind,
            JSON.stringify(keys),
          ],
        ];

  const clear = (): readonly SqlStatement[] => [
    [`DELETE FROM ${message} WHERE vault = ?`, id],
    [`DELETE FROM ${conversation} WHERE vault = ?`, id],
    [`DELETE FROM ${row} WHERE vault = ? AND kind = 'relation'`, id],
  ];
  return {
    deleteMessages: (of: string, below: number): SqlStatement => [
      `DELETE FROM ${message} WHERE vault = ? AND conversation = ? AND seq < ?`,
      id,
      of,
      below,
    ],
    putConversations,
    apply: (resolved: Resolved): readonly SqlStatement[] => [
      ...(resolved.reset ? clear() : []),
      ...(resolved.meta === null
        ? []
        : [[`UPDATE ${vault} SET json = ? WHERE id = ?`, JSON.stringify(resolved.meta), id] satisfies SqlStatement]),
      ...(resolved.ranks === null
        ? []
        : [
            [
              `UPDATE ${vault} SET top = ?, bottom = ? WHERE id = ?`,
              resolved.ranks.top,
              resolved.ranks.bottom,
              id,
            ] satisfies SqlStatement,
          ]),
      ...changes(resolved, "message").map((rows): SqlStatement => [
        `INSERT OR REPLACE INTO ${message} (vault, conversation, seq, json)
                     SELECT ?, value ->> '$.conversation', value ->> '$.seq', value FROM json_each(?)`,
        id,
        JSON.stringify([...rows.values()]),
      ]),
      ...changes(resolved, "conversation").map((rows) => putConversations(JSON.stringify([...rows.values()]))),
      ...kinds.flatMap((kind) =>
        changes(resolved, kind).flatMap((rows) => [
          ...remove(
            kind,
            [...rows].flatMap(([key, row]) => (row === null ? [key] : [])),
          ),
          ...put(
            kind,
            [...rows].filter(([, row]) => row !== null),
          ),
        ]),
      ),
    ],
  };
}
