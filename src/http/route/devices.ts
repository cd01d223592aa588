import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { sha256 } from "../../internal/sha256.ts";
import { isIdentifier } from "../../protocol/identifier.ts";
import type { PushAddress } from "../../push/provider.ts";
import type { Address } from "../../store/push/device-store.ts";
import { readBody } from "../body.ts";
import { readParameters } from "../parameters.ts";
import type { Call, Route } from "../call.ts";

const push = v.pipe(
  v.looseObject({ provider: v.pipe(v.string(), v.description("One of the providers of `GET /push`")) }),
  v.description("Where the device is notified: the provider and its own fields, such as a `token`"),
);

const schema = v.strictObject({
  push: v.exactOptional(push),
  notify: v.exactOptional(v.pipe(v.boolean(), v.description("Whether the device is notified at all; default: true"))),
});

function deviceOf({ id }: Call): string {
  if (!isIdentifier(id)) throw new ChatError("bad_request", "The device in the path is malformed");
  return id;
}

/** Whether a database would return it unchanged: a host's own `parse` may accept more. */
const isStorable = ({ token, expiresAt }: PushAddress): boolean =>
  token.isWellFormed() && !token.includes("\0") && (expiresAt === undefined || Number.isSafeInteger(expiresAt));

async function addressOf(
  { session, id, push: { providers, accountsPerDevice } }: Call,
  said: v.InferOutput<typeof push>,
): Promise<Address> {
  const { provider: name, ...rest } = said;
  const provider = providers.find((each) => each.name === name);
  if (!provider) {
    const names = providers.map((each) => each.name).join(", ");
    throw new ChatError("bad_request", `push.provider is none of this server's: ${names || "it has none"}`);
  }
  const { tenant, user } = session;
  const found = provider.parse(rest, { tenant, user });
  if (!found || !isStorable(found))
    throw new ChatError("bad_request", `push is malformed: ${provider.name} takes ${provider.expects}`);
  const { token, expiresAt } = found;
  // A provider without tokens has one address for each device, under a name that no token can have.
  if (token === "") {
    const hash = `device ${await sha256(`${name} ${tenant} ${user} ${id}`)}`;
    return { provider: provider.name, token, hash, expiresAt };
  }
  const hash = await sha256(`${name} ${token}`);
  return { provider: provider.name, token, hash, expiresAt, isTenantsOwn: accountsPerDevice === "several" };
}

/**
 * `PUT /devices/{device}`: where this device is notified, one address for each provider, and whether at all; absent fields keep their
 * values. 204. Apps repeat it at each start: a token that another device had moves to this one.
 */
export const putDevice: Route = {
  meta: {
    summary: "Where this device is notified",
    body: () => schema,
    answers: { 204: null },
    codes: ["bad_request", "too_large"],
  },
  handle: async (call) => {
    const { request, session, store, clock, limits } = call;
    const device = deviceOf(call);
    const said = await readBody({ request, limits }, schema);
    const address = said.push && (await addressOf(call, said.push));
    await store.devices.putDevice(session, device, { address, notify: said.notify, now: clock.now() });
  },
};

const deleteParameters = () =>
  v.strictObject({
    forget: v.optional(
      v.pipe(v.picklist(["true", "false"]), v.description("Whether the server forgets the device; default: false")),
    ),
  });

/**
 * `DELETE /devices/{device}`: on logout. 204, also where there was no address; from then on no notification is sent to it. `forget=true`: its sockets
 * are closed, and its position is deleted: whatever comes under its name later is a new device.
 */
export const deleteDevice: Route = {
  meta: {
    summary: "Notify this device no longer, or forget it",
    parameters: deleteParameters,
    answers: { 204: null },
    codes: ["bad_request"],
  },
  async handle(call) {
    const device = deviceOf(call);
    const { forget } = readParameters(call.request.url, deleteParameters());
    if (forget === "true") await call.store.forgetDevice(call.session, device, call.clock.now());
    else await call.store.devices.deleteDevice(call.session, device);
  },
};
