import type { Clock } from "../../internal/clock.ts";
import { setting } from "../../log/setting.ts";
import type { Identity, LogEntry } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row, Statement } from "../engine/engine.ts";
import * as sql from "./device-sql.ts";
import { forgetDevices } from "../forget-devices.ts";
import { settingEntryOf } from "../read/log-rows.ts";
import { integer, integerOrNull, text } from "../row.ts";
import { insertUser } from "../sql.ts";

/** An address of a device, as it is registered. Times are milliseconds since the Unix epoch, here and below. */
export type Address = {
  readonly provider: string;
  readonly token: string;
  /** The token's SHA-256. */
  readonly hash: string;
  /** Other tenants may have an address with the same token. Default: a token has one address in the database. */
  readonly isTenantsOwn?: boolean | undefined;
  readonly expiresAt?: number | undefined;
};

export type DeviceStoreOptions = {
  readonly engine: Pick<Engine, "read" | "write">;
  readonly limits: Limits;
  /** Gives the event loop a turn between two commits. */
  readonly clock?: Pick<Clock, "defer"> | undefined;
};

/** A place in the order of the devices that were not seen for long. */
export type SweptTo = { readonly seen: number; readonly user: number; readonly device: string };

/** The addresses of devices, and when their users want no notifications. A method rejects where the database fails; its outcome is unknown then, and a further call settles it. */
export type DeviceStore = {
  /**
   * Registers an address of a device, and sets whether the device is notified; an absent option stays unchanged. A token that had another address
   * moves: the notices of its previous address are deleted.
   */
  putDevice(
    identity: Identity,
    device: string,
    options: { readonly address?: Address | undefined; readonly notify?: boolean | undefined; readonly now: number },
  ): Promise<void>;
  /** Deletes all addresses of a device; with `isForgotten`, also the device and its position. */
  deleteDevice(identity: Identity, device: string, options?: { readonly isForgotten?: boolean }): Promise<void>;
  /**
   * Forgets a bounded number of devices that were not seen since a time: without a push address, and of each user never the one that has acked the
   * most. `after`: where the last call ended; null: it begins anew. Resolves with where this one ended; null: at the last of them.
   */
  sweep(options: { readonly before: number; readonly after: SweptTo | null }): Promise<SweptTo | null>;
  /**
   * Mutes a conversation of the user until a time or forever; null: not any more. What changes is an entry of the log. Resolves with false where
   * the user has no such conversation.
   */
  mute(identity: Identity, conversation: string, until: number | "forever" | null): Promise<boolean>;
  /** Until when a conversation is muted; null: it is not. */
  mutedUntil(identity: Identity, conversation: string, now: number): Promise<number | "forever" | null>;
  /** Sets the text that `quietHours` answers; null: none. */
  setQuietHours(identity: Identity, hours: string | null): Promise<void>;
  quietHours(identity: Identity): Promise<string | null>;
};

/** The rows of one statement. */
export const readOne = async (engine: Pick<Engine, "read">, statement: Statement): Promise<readonly Row[]> =>
  (await engine.read([statement]))[0] ?? [];

/** Rows as a statement takes them: one JSON array. */
export const rowsOf = (list: readonly unknown[]): string => JSON.stringify(list);

/**
 * Repeats a write until none of its statements deletes `pushNoticesGoneMax` rows, which is the most that one of them deletes in a commit. A statement that must come
 * after all these deletes checks by itself that the rows are gone.
 */
export async function writeUntilGone(
  { engine, limits, clock }: DeviceStoreOptions,
  statements: readonly Statement[],
): Promise<void> {
  const rowsMax = limits.pushNoticesGoneMax;
  while ((await engine.write(statements)).some((gone) => gone.length > 0 && gone.length >= rowsMax))
    await new Promise<void>((resolve) => (clock ? clock.defer(resolve) : resolve()));
}

/** `onEntry` is called with each change of a setting, which is a commit of its own. */
export function createDeviceStore(
  options: DeviceStoreOptions & { readonly onEntry: (entry: LogEntry) => void },
): DeviceStore {
  const { engine, limits, onEntry } = options;
  return {
    async putDevice({ tenant, user }, device, { address, notify, now }) {
      const statements: Statement[] = [
        { sql: insertUser, args: [tenant, user] },
        { sql: sql.insertDevice, args: [tenant, user, device, notify === undefined ? null : Number(notify), now] },
        ...forgetDevices({ owners: [[tenant, user]], now, limits }),
      ];
      if (address) {
        const { provider, hash, token, expiresAt } = address;
        const key = [tenant, user, device, provider, hash];
        const moved = [...key, Number(address.isTenantsOwn ?? false)];
        const surplus = [tenant, user, limits.pushAddressesPerUserMax];
        statements.push(
          { sql: sql.deleteMovedNotices, args: [...moved, limits.pushNoticesGoneMax] },
          { sql: sql.deleteMovedAddresses, args: moved },
          { sql: sql.upsertAddress, args: [...key, token, now, expiresAt ?? null] },
          { sql: sql.deleteSurplusNotices, args: [...surplus, limits.pushNoticesGoneMax] },
          { sql: sql.deleteSurplusAddresses, args: surplus },
        );
      }
      await writeUntilGone(options, statements);
    },

    async deleteDevice({ tenant, user }, device, { isForgotten = false } = {}) {
      const args = [tenant, user, device];
      const statements = [
        { sql: sql.deleteDeviceNotices, args: [...args, limits.pushNoticesGoneMax] },
        { sql: sql.deleteDeviceAddresses, args },
        ...(isForgotten ? [{ sql: sql.deleteDevice, args }] : []),
      ];
      await writeUntilGone(options, statements);
    },

    async sweep({ before, after }) {
      const { seen, user, device } = after ?? { seen: 0, user: 0, device: "" };
      const limit = limits.deviceSweepRowsMax;
      const rows = await readOne(engine, { sql: sql.selectUnseenDevices, args: [seen, user, device, before, limit] });
      const found = rows.map((row) => ({
        ...{ seen: integer(row, "seen"), user: integer(row, "user"), device: text(row, "device") },
      }));
      if (found.length === 0) return null;
      const list = rowsOf(found.map((each) => [each.user, each.device]));
      await engine.write([{ sql: sql.deleteUnseenDevices, args: [list, before] }]);
      return found.length < limit ? null : (found.at(-1) ?? null);
    },

    async mute({ tenant, user }, conversation, until) {
      const args = [tenant, user, decodeConversation(conversation) ?? -1];
      const end = until === null ? 0 : until === "forever" ? null : until;
      const [set = [], , , members = []] = await engine.write([
        { sql: sql.upsertMute, args: [...args, end] },
        { sql: sql.advanceHeadToSettings },
        { sql: sql.raiseLevelForSettings, args: [setting.level] },
        { sql: sql.selectIsMember, args },
      ]);
      for (const row of set) onEntry(settingEntryOf(row));
      return members.length > 0;
    },

    async mutedUntil({ tenant, user }, conversation, now) {
      const key = decodeConversation(conversation) ?? -1;
      const [row] = await readOne(engine, { sql: sql.selectMute, args: [tenant, user, key, now] });
      return row ? (integerOrNull(row, "until") ?? "forever") : null;
    },

    async setQuietHours({ tenant, user }, hours) {
      await engine.write(
        hours === null
          ? [{ sql: sql.deleteQuietHours, args: [tenant, user] }]
          : [
              { sql: insertUser, args: [tenant, user] },
              { sql: sql.upsertQuietHours, args: [tenant, user, hours] },
            ],
      );
    },

    async quietHours({ tenant, user }) {
      const [row] = await readOne(engine, { sql: sql.selectQuietHours, args: [tenant, user] });
      return row ? text(row, "hours") : null;
    },
  };
}
