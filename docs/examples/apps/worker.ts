import { DurableObject } from "cloudflare:workers";
import { type Chat, createChat } from "tidings";

type Env = { readonly CHAT: DurableObjectNamespace; readonly DATABASE_URL: string; readonly DATABASE_TOKEN?: string };

/** The one object in which the chat runs: a request that waits for changes is answered here when another request sends a message. */
export class ChatObject extends DurableObject<Env> {
  readonly chat: Chat;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.chat = createChat({
      database: { url: env.DATABASE_URL, authToken: env.DATABASE_TOKEN },
      base: "/chat",
      // In place of your own session: this one believes any user name.
      authenticate({ headers }) {
        const [, user] = /(?:^|; )user=([^;]+)/.exec(headers.get("cookie") ?? "") ?? [];
        return user === undefined ? null : { user };
      },
    });
  }

  override fetch(request: Request): Promise<Response> {
    return this.chat.fetch(request);
  }
}

const worker = {
  fetch(request: Request, { CHAT }: Env): Response | Promise<Response> {
    if (!new URL(request.url).pathname.startsWith("/chat/")) return new Response("Your app answers");
    return CHAT.get(CHAT.idFromName("chat")).fetch(request);
  },
};
export default worker;
