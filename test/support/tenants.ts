import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chat, createChat } from "../../src/chat.ts";
import type { ChatOptions, DatabaseOptions } from "../../src/chat-options.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { fakeSocket, type FakeSocket } from "./fake-socket.ts";

type Opened = DatabaseOptions | null;

export type TenantsOptions = Omit<Partial<ChatOptions>, "database"> & {
  /** The name by the host; default: a file of the tenant's own. */
  readonly name?: (tenant: string, place: { readonly folder: string }) => Opened | Promise<Opened>;
  /** Wraps the engine of each database, to plant a fault. */
  readonly wrapEngine?: (engine: Engine, tenant: string) => Engine;
};

export type Entered = FakeSocket | { readonly status: number; readonly code: string };

/** A chat with a real file for each tenant, which notes each opening and closing. */
export function startTenants({ name, wrapEngine, ...options }: TenantsOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-tenants-"));
  const open = new Set<string>();
  const log = { opened: [] as string[], asked: [] as string[], openMax: 0, overlaps: 0 };

  function openWatched(tenant: string, { url }: { readonly url: string }): Engine {
    if (open.has(url)) log.overlaps++;
    const engine = openEngine({ url });
    open.add(url);
    log.opened.push(tenant);
    log.openMax = Math.max(log.openMax, open.size);
    const watched: Engine = {
      ...engine,
      async close() {
        // As on a slow disk: code that does not wait for it is noticed.
        await Bun.sleep(2);
        await engine.close();
        open.delete(url);
      },
    };
    return wrapEngine?.(watched, tenant) ?? watched;
  }

  const chat: Chat = createChat({
    async database(tenant) {
      log.asked.push(tenant);
      const named = name ? await name(tenant, { folder }) : { url: `file:${join(folder, `${tenant}.db`)}` };
      return named && { open: (opening) => openWatched(tenant, opening), ...named };
    },
    authenticate({ headers }) {
      const [user = "", tenant = ""] = (headers.get("authorization") ?? "").split("/");
      return user === "" ? null : { user, tenant };
    },
    ...options,
  });

  async function ask(who: string, path: string, init: { method?: string; body?: object } = {}) {
    const headers = { authorization: who, "content-type": "application/json" };
    const body = init.body && { body: JSON.stringify(init.body) };
    const response = await chat.fetch(
      new Request(`http://chat${path}`, { method: init.method ?? "GET", headers, ...body }),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : (JSON.parse(text) as unknown),
    };
  }

  /** Opens a socket, with a ticket or as `user/tenant`. */
  async function enter(who: string, query = "", between = (): void | Promise<void> => {}): Promise<Entered> {
    const headers = { upgrade: "websocket", connection: "Upgrade", authorization: who };
    const admission = await chat.admit(new Request(`http://chat/ws?${query}`, { headers }));
    if (admission instanceof Response) {
      const { code } = (await admission.json()) as { code: string };
      return { status: admission.status, code };
    }
    await between();
    const socket = fakeSocket();
    socket.attach(chat.connect(socket.socket, admission));
    return socket;
  }

  return {
    chat,
    folder,
    /** The databases that are open now, by their files' names. */
    open: (): string[] => Array.from(open, (url) => (url.split("/").at(-1) ?? "").replace(".db", "")).toSorted(),
    log,
    ask,
    enter,
    async connect(who: string): Promise<FakeSocket> {
      const entered = await enter(who);
      if ("status" in entered) throw new Error(`${who} was refused: ${entered.status}`);
      return entered;
    },
    ticket: async (who: string): Promise<string> => {
      const { body } = await ask(who, "/tickets", { method: "POST", body: {} });
      return (body as { ticket: string }).ticket;
    },
    async stop(): Promise<void> {
      await chat.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Tenants = ReturnType<typeof startTenants>;
