import { expect, test } from "bun:test";
import type { Chat } from "../../src/chat.ts";
import { listen } from "../../src/standalone/listen.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const chat = { base: "", limits: defaultLimits, fetch: async () => new Response("chat") } as unknown as Chat;
const open = (hostname: string, port = 0) => listen(chat, { port, hostname, fetch: async () => new Response("site") });

test("K33 it serves at its address, and closes it when it is stopped", async () => {
  const server = await open("127.0.0.1");
  const url = `http://127.0.0.1:${server.port}/`;
  expect(await (await fetch(url)).text()).toBe("site");
  await server.stop();
  expect(
    await fetch(url).then(
      () => "answered",
      () => "refused",
    ),
  ).toBe("refused");
});

test("K33 an address that cannot be used is reported with its port, its host and advice", async () => {
  const server = await open("127.0.0.1");
  const refused: unknown = await open("127.0.0.1", server.port).catch((error: unknown) => error);
  await server.stop();
  expect(refused).toMatchObject({
    code: "config_invalid",
    message: `Port ${server.port} of 127.0.0.1 is in use: stop what listens there, or set PORT to another one (EADDRINUSE)`,
  });
});
