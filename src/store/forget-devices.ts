import type { Statement } from "./engine/engine.ts";
import type { Limits } from "../protocol/limits.ts";
import * as sql from "./sql.ts";

export type ForgetDevicesOptions = {
  /** Whose devices are counted: [tenant, user] of each, one of each. */
  readonly owners: readonly (readonly [tenant: string, user: string])[];
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly limits: Pick<Limits, "devicesPerUserMax" | "commitDevicesMax" | "pushNoticesGoneMax">;
};

/** The statements by which the devices go that users have beyond their bound, with their addresses and notices; in their order. */
export function forgetDevices({ owners, now, limits }: ForgetDevicesOptions): readonly Statement[] {
  const args = [JSON.stringify(owners), limits.devicesPerUserMax, now, limits.commitDevicesMax];
  return [
    { sql: sql.deleteForgottenNotices, args: [...args, limits.pushNoticesGoneMax] },
    { sql: sql.deleteForgottenAddresses, args },
    { sql: sql.deleteForgottenDevices, args },
  ];
}
