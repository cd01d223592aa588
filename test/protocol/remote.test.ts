import { afterAll, test } from "bun:test";
import { endClients, join } from "../support/client.ts";
import { createRemoteStart } from "../support/remote-server.ts";
import { describeProtocol, type Traits } from "./protocol.contract.ts";

/** The whole suite with PROTOCOL=all: it takes a minute, half of it without the database. */
const isWhole = process.env["PROTOCOL"] === "all";

/** A database over the network prevents nothing of the contract. The suite of the standalone server sends 4 000 frames at once. */
const traits: Traits = isWhole ? {} : { framesAtOnce: 1_000 };

const { start, end } = createRemoteStart();
afterAll(end);

test("R6 E25 three hundred devices that connect at one moment, twice, are all served, and no database call fails", async () => {
  const server = await start();
  const names = Array.from({ length: 300 }, (_, i) => `crowd-${i}`);
  for (const round of [1, 2]) {
    const clients = await Promise.all(names.map((user) => join(server.url, { user, device: "phone" })));
    await Promise.all(
      clients.map((client, i) => client.sendOk({ to: names[(i + 1) % names.length] ?? "" }, `${round}`)),
    );
    const received = (i: number): number => clients[i]?.messages().filter(({ from }) => from !== names[i]).length ?? 0;
    for (const [i, client] of clients.entries()) await client.when(() => received(i) === round);
    endClients();
  }
  await server.dispose();
});

describeProtocol("Bun over a libSQL server", start, { ...traits, skipsEdge: !isWhole });
