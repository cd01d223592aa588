import type { Statement } from "./engine/engine.ts";
import type { Limits } from "../protocol/limits.ts";
import * as deviceSql from "./device-position-sql.ts";

export type ForgetDevicesOptions = {
  /** The owners of the devices to count, each once: [tenant, user]. */
  readonly owners: readonly (readonly [tenant: string, user: string])[];
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly limits: Pick<Limits, "devicesPerUserMax" | "commitDevicesMax" | "pushNoticesGoneMax">;
};

/** The statements, in their order, that delete the devices that users have beyond their limit, with their addresses and notices. */
export function forgetDevices({ owners, now, limits }: ForgetDevicesOptions): readonly Statement[] {
  const args = [JSON.stringify(owners), limits.devicesPerUserMax, now, limits.commitDevicesMax];
  return [
    { sql: deviceSql.deleteForgottenNotices, args: [...args, limits.pushNoticesGoneMax] },
    { sql: deviceSql.deleteForgottenAddresses, args },
    { sql: deviceSql.deleteForgottenDevices, args },
  ];
}
