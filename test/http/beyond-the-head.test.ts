import { afterEach, describe, expect, test } from "bun:test";
import { isLive, type SharedNodes, startSharedNodes, textsOf } from "../tenant/shared-nodes.ts";
import { until } from "../support/fake-socket.ts";

let nodes: SharedNodes | undefined;
afterEach(async () => {
  await nodes?.stop();
  nodes = undefined;
});

const request = (path: string, body?: object): Request =>
  new Request(`http://127.0.0.1${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-user": "bob", "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

describe("a cursor beyond the head", () => {
  test("P13 gets reset, and nothing is acked by it", async () => {
    nodes = await startSharedNodes();
    const [chat] = nodes.chats;
    await chat?.send({ from: "alice", to: "bob", text: "one" });
    const bob = await nodes.connect("bob", { cursor: `${await nodes.epoch()}.zzzzzz` });
    await until(() => isLive(bob));
    expect(bob.frames[1]).toMatchObject({ type: "reset", reason: "epoch" });
    expect(textsOf(bob)).toEqual(["one"]);
  });

  test("Q7 acks no more than the head", async () => {
    nodes = await startSharedNodes();
    const [chat] = nodes.chats;
    await chat?.send({ from: "alice", to: "bob", text: "one" });
    const cursor = `${await nodes.epoch()}.zzzzzz`;
    expect((await chat?.fetch(request("/ack", { device: "d", cursor })))?.status).toBe(204);
    await chat?.send({ from: "alice", to: "bob", text: "two" });
    const page = (await (await chat?.fetch(request("/messages?device=d")))?.json()) as { messages: { text: string }[] };
    expect(page.messages.map(({ text }) => text)).toEqual(["two"]);
  });
});
