import type { Identity } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Statement } from "./engine/engine.ts";
import * as sql from "./sql.ts";

/** Takes from users what they have of devices beyond the bound. Of the notices of such a device only so many: what is left goes the next time. */
export function forgetDevices(
  users: readonly Identity[],
  { limits, now }: { readonly limits: Limits; readonly now: number },
): readonly [Statement, Statement, Statement] {
  const list = users.map(({ tenant, user }) => [tenant, user]);
  const args = [JSON.stringify(list), limits.devicesPerUserMax, now, limits.commitDevicesMax];
  return [
    { sql: sql.deleteForgottenNotices, args: [...args, limits.pushNoticesGoneMax] },
    { sql: sql.deleteForgottenAddresses, args },
    { sql: sql.deleteForgottenDevices, args },
  ];
}
