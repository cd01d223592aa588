import { randomUUID } from "node:crypto";
import { Skip } from "../case.ts";
import { ensure, ensureSame } from "../check.ts";
import type { Frame } from "../frames.ts";
import { guardedRoutes } from "./routes.ts";
import type { User } from "./user.ts";
import type { ServerCase } from "./world.ts";

const section = "5";

/** Whose data it is, and what only its user may do. */
export const identityCases: readonly ServerCase[] = [
  {
    ...{ id: "S-51", section },
    title: "every route wants credentials",
    shows: "Otherwise a stranger reads or changes what is another's.",
    async run({ alice, bob, nobody, device }) {
      const { conversation = "" } = await (await alice.connect({ device: device() })).accepted({ to: bob.name }, "hi");
      for (const { method, path, query, body } of guardedRoutes({ conversation, user: bob.name })) {
        const { status } = await nobody.ask(method, path, { ...(query && { query }), body });
        ensureSame(status, { expected: 401, what: `the status of ${method} ${path}` });
      }
    },
  },
  {
    ...{ id: "S-52", section },
    title: "quiet hours are set, read and removed",
    shows: "Otherwise notifications come at night.",
    async run({ alice }) {
      const hours = { from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" };
      const call = { path: "/quiet-hours" };
      await alice.askFor(204, { ...call, method: "PUT", body: hours });
      ensureSame((await alice.askFor(200, call)).body, { expected: { quietHours: hours }, what: "after PUT" });
      await alice.askFor(400, { ...call, method: "PUT", body: { ...hours, timeZone: "Nowhere/Here" } });
      await alice.askFor(204, { ...call, method: "DELETE" });
      ensureSame((await alice.askFor(200, call)).body, { expected: { quietHours: null }, what: "after DELETE" });
    },
  },
  {
    ...{ id: "S-53", section },
    title: "Tidings-User names the tenant and the user whose data an answer has",
    shows: "Otherwise a client keeps the data of one user as another's.",
    async run({ alice, bob, device }) {
      for (const user of [alice, bob]) {
        const { welcome } = await user.connect({ device: device() });
        const expected = nameOf(welcome, user);
        for (const path of ["/me", "/conversations", "/quiet-hours", "/conversations/no-such-conversation"]) {
          const named = (await user.ask("GET", path)).headers.get("tidings-user");
          if (named === null && path === "/me") throw new Skip(unnamed);
          ensureSame(named, { expected, what: `Tidings-User of GET ${path} of ${user.name}` });
        }
      }
    },
  },
  {
    ...{ id: "S-54", section },
    title: "a request whose Tidings-User is not the user of its credentials is refused, and nothing is done",
    shows: "Otherwise a page that was left open writes as the user who signed in after it.",
    async run({ alice, bob, device }) {
      const { welcome } = await alice.connect({ device: device() });
      if (!(await alice.ask("GET", "/me")).headers.has("tidings-user")) throw new Skip(unnamed);
      const call = { method: "POST", path: "/messages", body: { id: randomUUID(), to: bob.name, text: "as whom?" } };
      for (const named of [nameOf(welcome, bob), `another-tenant/${alice.name}`, alice.name]) {
        const { body } = await alice.askFor(401, { ...call, headers: { "tidings-user": named } });
        ensureSame(body?.["code"], { expected: "unauthenticated", what: `the code for Tidings-User: ${named}` });
      }
      // 200 would be the answer to a message that is there already.
      await alice.askFor(201, { ...call, headers: { "tidings-user": nameOf(welcome, alice) } });
    },
  },
  {
    ...{ id: "S-55", section },
    title:
      "GET /changes brings a long backlog in parts, in order and without a gap, and ends its wait with an empty one",
    shows: "Otherwise a poller that was away has holes, or asks without end.",
    async run({ alice, bob, device }) {
      const name = device();
      const ask = async (query: Readonly<Record<string, string | number>>): Promise<Polled> => {
        const { body } = await bob.askFor(200, { path: "/changes", query: { device: name, ...query } });
        return body as Polled;
      };
      let { cursor } = await ask({ wait: 0 });
      const sender = await alice.connect({ device: device() });
      const text = "x".repeat(15_000);
      const sent = Array.from({ length: 12 }, (_, at) => `${at} ${text}`);
      for (const one of sent) await sender.accepted({ to: bob.name }, one);
      const got: unknown[] = [];
      for (let at = 0; at < sent.length && got.length < sent.length; at++) {
        const page = await ask({ wait: 0, cursor });
        ({ cursor } = page);
        got.push(...messagesOf(page).map((message) => message.text?.slice(0, 2)));
      }
      ensureSame(got, { expected: sent.map((one) => one.slice(0, 2)), what: "the backlog" });
      ensureSame(messagesOf(await ask({ wait: 1, cursor })).length, { expected: 0, what: "messages after it" });
      const again = await ask({ wait: 0, cursor });
      ensure(again.frames[0]?.type === "welcome", "an answer does not begin with welcome");
    },
  },
];

type Polled = { readonly cursor: string; readonly frames: readonly Frame[] };

const messagesOf = ({ frames }: Polled) =>
  frames.flatMap(({ changes = [] }) => changes.filter(({ kind }) => kind === "message"));

const unnamed = "its answers have no Tidings-User, as those of older servers";

const nameOf = ({ tenant = "default" }: Frame, { name }: User): string =>
  [tenant, name].map(encodeURIComponent).join("/");
