import { type Client, refusal } from "./api.ts";
import type { Life } from "./life.ts";
import type { Ask, Link } from "./link/contract.ts";
import type { Cache } from "./sync/cache.ts";
import type { Scope, Storage } from "./vault/contract.ts";

/** This device at the server, and the end of its use. */
export type Account = Pick<Client, "registerPush" | "signOut">;

export type AccountOptions = {
  readonly scope: Scope;
  readonly storage: Storage;
  readonly cache: Cache;
  readonly life: Pick<Life, "device" | "position">;
  readonly link: Pick<Link, "ask">;
  readonly close: () => Promise<void>;
  readonly onFault: (fault: unknown) => void;
};

export function createAccount({ scope, storage, cache, life, link, close, onFault }: AccountOptions): Account {
  async function request(ask: Ask): Promise<void> {
    const answer = await link.ask(ask);
    if (!answer.ok) throw refusal(answer);
  }

  return {
    async registerPush(push) {
      const path = pathOf(await life.device());
      await request(push === null ? { method: "DELETE", path } : { method: "PUT", path, body: { push } });
    },
    async signOut({ wipe = false } = {}) {
      const unsent = cache.pending.size;
      const position = life.position();
      // Without a network the server forgets it later by itself.
      if (wipe && position !== null)
        await request({ method: "DELETE", path: `${pathOf(position.device)}?forget=true` }).catch(onFault);
      await close();
      if (wipe) await storage.destroy(scope);
      return { unsent };
    },
  };
}

const pathOf = (device: string): string => `/devices/${encodeURIComponent(device)}`;
