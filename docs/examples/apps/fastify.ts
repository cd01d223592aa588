import cookie from "@fastify/cookie";
import Fastify from "fastify";
import { createChat } from "tidings";
import { node } from "tidings/node";

const app = Fastify();
await app.register(cookie, { secret: process.env.COOKIE_SECRET ?? "for this machine only" });

// In place of your own login: this one believes any user name.
app.post<{ Body: { user: string } }>("/login", (request, reply) =>
  reply.setCookie("user", request.body.user, { signed: true, httpOnly: true, sameSite: "lax" }).code(204).send(),
);

const chat = createChat({
  database: { url: "file:chat.db" },
  base: "/chat",
  // Called for each request and for each upgrade.
  authenticate({ headers }) {
    const { user = "" } = app.parseCookie(headers.get("cookie") ?? "");
    const { valid, value } = app.unsignCookie(user);
    return valid && value !== null ? { user: value } : null;
  },
});
await chat.ready();
const { request, upgrade } = node(chat);

await app.register(async (routes) => {
  // The chat reads the bodies of its own requests.
  routes.removeAllContentTypeParsers();
  routes.addContentTypeParser("*", (_request, _payload, done) => done(null));
  routes.all("/chat/*", (asked, reply) => {
    reply.hijack();
    request(asked.raw, reply.raw);
  });
});
app.server.on("upgrade", upgrade);

// The chat ends its sockets before Fastify waits for the end of all connections.
app.addHook("preClose", () => chat.close());
await app.listen({ port: Number(process.env.PORT ?? "3000"), host: "127.0.0.1" });
console.log(JSON.stringify({ message: "serving", port: Object(app.addresses()[0]).port }));

for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => void app.close().then(() => process.exit(0)));
