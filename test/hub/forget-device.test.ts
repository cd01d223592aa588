import { describe, expect, test } from "bun:test";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { stoppedAfterEach } from "../support/stopped.ts";
import { isLive, lastCursor, startSharedNodes, textsOf } from "../tenant/shared-nodes.ts";

const start = stoppedAfterEach(startSharedNodes);

async function startTwo() {
  const nodes = await start({ nodes: 2 });
  const [chat] = nodes.chats;
  if (!chat) throw new Error("There is no node");
  return {
    nodes,
    chat,
    async connect(device: string, options: { node?: number; cursor?: string | undefined } = {}): Promise<FakeSocket> {
      const socket = await nodes.connect("alice", { device, ...options });
      await until(() => isLive(socket), "the first changes");
      return socket;
    },
    remove: async (path: string): Promise<number> =>
      (await chat.fetch(new Request(`http://localhost${path}`, { method: "DELETE", headers: { "x-user": "alice" } })))
        .status,
    async devices(): Promise<readonly unknown[]> {
      const [rows = []] = await nodes.engine.read([{ sql: "SELECT device FROM tidings_device ORDER BY device" }]);
      return rows.map((row) => row["device"]);
    },
  };
}

describe("a device that is forgotten on demand", () => {
  test("S46 T5 loses its sockets on every node with 4401, and no other device does", async () => {
    const { connect, remove, devices } = await startTwo();
    const [phone, elsewhere, laptop] = [
      await connect("phone"),
      await connect("phone", { node: 1 }),
      await connect("laptop"),
    ];
    expect(await remove("/devices/phone?forget=true")).toBe(204);
    for (const socket of [phone, elsewhere]) {
      await until(() => socket.state.closed !== null);
      expect(socket.state.closed).toEqual({ code: 4401, reason: "the device was forgotten" });
    }
    expect(laptop.state.closed).toBeNull();
    expect(await devices()).toEqual(["laptop"]);
  });

  test("S46 S32 comes back as a new device, without an error, and with its own cursor lacks nothing", async () => {
    const { chat, connect, remove } = await startTwo();
    const phone = await connect("phone");
    await chat.send({ from: "bob", to: "alice", text: "one" });
    await until(() => textsOf(phone).includes("one"));
    const cursor = lastCursor(phone);
    await remove("/devices/phone?forget=true");
    await chat.send({ from: "bob", to: "alice", text: "two" });
    const back = await connect("phone", { cursor });
    expect([textsOf(back), back.of("reset")]).toEqual([["two"], []]);
    await remove("/devices/phone?forget=true");
    expect(textsOf(await connect("phone"))).toEqual(["one", "two"]);
  });

  test("S46 without `forget` a device keeps its position and its sockets; a wrong value changes nothing", async () => {
    const { connect, remove, devices } = await startTwo();
    const phone = await connect("phone");
    for (const [query, status] of [
      ["", 204],
      ["?forget=false", 204],
      ["?forget=1", 400],
      ["?forgot=true", 400],
    ] as const)
      expect(await remove(`/devices/phone${query}`)).toBe(status);
    expect([await devices(), phone.state.closed]).toEqual([["phone"], null]);
  });

  test("S46 T6 tickets of the user's other devices stay valid", async () => {
    const { chat, connect, remove } = await startTwo();
    await connect("phone");
    const headers = { "x-user": "alice" };
    const bought = await chat.fetch(new Request("http://localhost/tickets", { method: "POST", headers }));
    const { ticket } = (await bought.json()) as { ticket: string };
    await remove("/devices/phone?forget=true");
    const upgrade = new Request(`http://localhost/ws?device=laptop&ticket=${ticket}`, {
      headers: { upgrade: "websocket" },
    });
    expect(await chat.admit(upgrade)).toMatchObject({ session: { user: "alice" } });
  });
});
