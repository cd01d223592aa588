import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, ServerResponse } from "node:http";
import express, { type Request, type Response } from "express";
import session from "express-session";
import { createChat } from "tidings";
import { node } from "tidings/node";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

const app = express();
const sessions = session({
  secret: process.env.SESSION_SECRET ?? "for this machine only",
  resave: false,
  saveUninitialized: false,
});
app.use(sessions, express.json());

// In place of your own login: this one believes any user name.
app.post("/login", (req, res) => {
  req.session.user = req.body.user;
  res.sendStatus(204);
});

// The user of the session, for `authenticate`.
const users = new AsyncLocalStorage<string | undefined>();
const chat = createChat({
  database: { url: "file:chat.db" },
  base: "/chat",
  authenticate() {
    const user = users.getStore();
    return user === undefined ? null : { user };
  },
});
await chat.ready();
const { request, upgrade } = node(chat);

// Not app.use("/chat", …), which removes "/chat" from the path.
app.all("/chat/*path", (req, res) => users.run(req.session.user, () => request(req, res)));

const server = createServer(app);
// Longer than proxies keep an idle connection.
server.keepAliveTimeout = 75_000;
// An upgrade does not go through the app's middleware, so the session is read here.
server.on("upgrade", (incoming, stream, head) => {
  const req = incoming as Request;
  sessions(req, new ServerResponse(incoming) as Response, (error?: unknown) => {
    if (error !== undefined) stream.destroy();
    else users.run(req.session.user, () => upgrade(incoming, stream, head));
  });
});
server.listen(Number(process.env.PORT ?? "3000"), "127.0.0.1", () => {
  console.log(JSON.stringify({ message: "serving", port: Object(server.address()).port }));
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => void chat.close().then(() => process.exit(0)));
