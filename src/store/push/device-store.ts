import type { Clock } from "../../internal/clock.ts";
import type { Identity } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row, Statement } from "../engine/engine.ts";
import * as sql from "./device-sql.ts";
import { forgetDevices } from "../forget-devices.ts";
import { integerOrNull, text } from "../row.ts";
import { insertUser } from "../sql.ts";

/** Where a device is notified. Times are milliseconds since the Unix epoch, here and below. */
export type Address = {
  readonly provider: string;
  readonly token: string;
  /** The token's SHA-256. */
  readonly hash: string;
  /** The same token may stand in other tenants too. Default: it has one place in the database. */
  readonly isTenantsOwn?: boolean | undefined;
  readonly expiresAt?: number | undefined;
};

export type DeviceStoreOptions = {
  readonly engine: Pick<Engine, "read" | "write">;
  readonly limits: Limits;
  /** Lets others have their turn between two commits. */
  readonly clock?: Pick<Clock, "defer"> | undefined;
};

/**
 * Writes statements of which some delete at most so many rows, and answer those: again and again, until none has as many to delete. What
 * depends on these being gone looks for itself whether they are.
 */
export async function writeUntilGone(
  { engine, clock }: Pick<DeviceStoreOptions, "engine" | "clock">,
  statements: readonly Statement[],
  rowsMax: number,
): Promise<void> {
  while ((await engine.write(statements)).some((gone) => gone.length > 0 && gone.length >= rowsMax))
    await new Promise<void>((resolve) => (clock ? clock.defer(resolve) : resolve()));
}

/**
 * Where devices are notified, and what their users say of that. Whatever the database fails rejects, and its outcome is unknown: to say it
 * again settles it.
 */
export function createDeviceStore({ engine, limits, clock }: DeviceStoreOptions) {
  const one = async (statement: Statement): Promise<Row[]> => (await engine.read([statement]))[0] ?? [];

  return {
    /**
     * Registers an address of a device, and says whether the device is notified; what is absent stays as it is. A token that stood
     * elsewhere has moved, and nothing that waits for its place of before is sent any more.
     */
    async putDevice(
      { tenant, user }: Identity,
      device: string,
      said: { readonly address?: Address | undefined; readonly notify?: boolean | undefined; readonly now: number },
    ): Promise<void> {
      const { address, notify, now } = said;
      const statements: Statement[] = [
        { sql: insertUser, args: [tenant, user] },
        { sql: sql.insertDevice, args: [tenant, user, device, notify === undefined ? null : Number(notify), now] },
        ...forgetDevices({ owners: [[tenant, user]], now, limits }),
      ];
      if (address) {
        const { provider, hash, token, expiresAt } = address;
        const place = [tenant, user, device, provider, hash];
        const moved = [...place, Number(address.isTenantsOwn ?? false)];
        const surplus = [tenant, user, limits.pushAddressesPerUserMax];
        statements.push(
          { sql: sql.deleteMovedNotices, args: [...moved, limits.pushNoticesGoneMax] },
          { sql: sql.deleteMovedAddresses, args: moved },
          { sql: sql.upsertAddress, args: [...place, token, now, expiresAt ?? null] },
          { sql: sql.deleteSurplusNotices, args: [...surplus, limits.pushNoticesGoneMax] },
          { sql: sql.deleteSurplusAddresses, args: surplus },
        );
      }
      await writeUntilGone({ engine, clock }, statements, limits.pushNoticesGoneMax);
    },

    /** Forgets every address of a device. */
    async deleteDevice({ tenant, user }: Identity, device: string): Promise<void> {
      const args = [tenant, user, device];
      const statements = [
        { sql: sql.deleteDeviceNotices, args: [...args, limits.pushNoticesGoneMax] },
        { sql: sql.deleteDeviceAddresses, args },
      ];
      await writeUntilGone({ engine, clock }, statements, limits.pushNoticesGoneMax);
    },

    /** Until when a conversation is muted: a time, for good, or null where it is not. Of a conversation of the user's. */
    async mute({ tenant, user }: Identity, conversation: string, until: number | "forever" | null): Promise<void> {
      const key = decodeConversation(conversation) ?? -1;
      await engine.write([
        until === null
          ? { sql: sql.deleteMute, args: [tenant, user, key] }
          : { sql: sql.upsertMute, args: [tenant, user, key, until === "forever" ? null : until] },
      ]);
    },

    async mutedUntil(
      { tenant, user }: Identity,
      conversation: string,
      now: number,
    ): Promise<number | "forever" | null> {
      const key = decodeConversation(conversation) ?? -1;
      const [row] = await one({ sql: sql.selectMute, args: [tenant, user, key, now] });
      return row ? (integerOrNull(row, "until") ?? "forever") : null;
    },

    /** As the text that `quietHours` answers; null: none. */
    async setQuietHours({ tenant, user }: Identity, hours: string | null): Promise<void> {
      await engine.write(
        hours === null
          ? [{ sql: sql.deleteQuietHours, args: [tenant, user] }]
          : [
              { sql: insertUser, args: [tenant, user] },
              { sql: sql.upsertQuietHours, args: [tenant, user, hours] },
            ],
      );
    },

    async quietHours({ tenant, user }: Identity): Promise<string | null> {
      const [row] = await one({ sql: sql.selectQuietHours, args: [tenant, user] });
      return row ? text(row, "hours") : null;
    },
  };
}

export type DeviceStore = ReturnType<typeof createDeviceStore>;
