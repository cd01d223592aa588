import { faultKinds } from "./faults.ts";
import type { Plan } from "./plan.ts";

/** A limit on the worlds that one shrinking runs. */
const triesMax = 400;

/** Smaller worlds of the same kind: one of them may fail the same way. */
function* simpler(plan: Plan): Generator<Plan> {
  const [tenant = "t"] = plan.tenants;
  if (plan.tenants.length > 1) yield { ...plan, tenants: [tenant] };
  if (plan.engine === "remote") yield { ...plan, engine: "embedded" };
  for (let nodes = 1; nodes < plan.nodes; nodes++) yield { ...plan, nodes };
  for (let count = 2; count < plan.users.length; count++) yield { ...plan, users: plan.users.slice(0, count) };
  for (let count = 1; count < plan.devices.length; count++) yield { ...plan, devices: plan.devices.slice(0, count) };
  for (const without of Object.values(faultKinds)) {
    const faults = without(plan.faults);
    if (!Bun.deepEquals(faults, plan.faults)) yield { ...plan, faults };
  }
}

/** Leaves out half of the operations, a quarter, … one: those that the failure does not need. */
function* shorter(plan: Plan): Generator<Plan> {
  const { operations } = plan;
  for (let size = Math.ceil(operations.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let start = 0; start < operations.length; start += size)
      yield { ...plan, operations: [...operations.slice(0, start), ...operations.slice(start + size)] };
}

/**
 * Makes a failing world as small as possible: fewer people, fewer kinds of faults, fewer operations, as long as it fails.
 *
 * @param fails Runs a world and says whether it fails still.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  let tries = 0;
  for (const ways of [simpler, shorter, simpler, shorter]) {
    for (let isSmaller = true; isSmaller;) {
      isSmaller = false;
      for (const candidate of ways(smallest)) {
        if (tries++ >= triesMax) return smallest;
        if (!(await fails(candidate))) continue;
        smallest = candidate;
        isSmaller = true;
        break;
      }
    }
  }
  return smallest;
}
