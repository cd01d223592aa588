import { expect, test } from "bun:test";
import type { Page, WebSocketRoute } from "playwright-core";
import { online, say, storedCursor, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

describePage("the frames of the page", ({ open }) => {
  /** A server that the test controls: the frames of the page, and a way to answer. */
  async function scripted(path: string, onOpen: (socket: WebSocketRoute, at: number) => void) {
    const sent: Record<string, unknown>[] = [];
    const sentAt = new Map<object, number>();
    const urls: URL[] = [];
    let socket: WebSocketRoute | undefined;
    const prepare = (page: Page) =>
      page.routeWebSocket(/\/ws\?/, (route) => {
        socket = route;
        urls.push(new URL(route.url()));
        route.onMessage((text) => {
          const frame = JSON.parse(String(text)) as Record<string, unknown>;
          sentAt.set(frame, performance.now());
          sent.push(frame);
        });
        onOpen(route, urls.length);
      });
    // The real server behind it answers that it does not know what the test has made up.
    const page = await open(path, { prepare, isNoisy: true });
    const tell = (frame: object): void => socket?.send(JSON.stringify(frame));
    const close = (code: number) => socket?.close({ code, reason: "" });
    const sends = () => sent.filter(({ type }) => type === "send");
    return { page, sent, sentAt, sends, urls, tell, close };
  }
  const welcome = (user: string, cursor: string, sendWindow = 64) =>
    JSON.stringify({
      type: "welcome",
      protocol: 1,
      level: 1,
      user,
      tenant: "default",
      device: "d",
      cursor,
      time: 0,
      history: "h",
      heartbeatMs: 25_000,
      limits: { frameBytes: 65_536, textBytes: 16_384, sendWindow },
    });

  const greet = (socket: WebSocketRoute, sendWindow?: number): void => {
    socket.send(welcome("w", "c0", sendWindow));
    socket.send(JSON.stringify({ type: "changes", cursor: "c0", more: false, changes: [] }));
  };

  test("W13 W14 messages without an answer when the connection broke are sent again, in order, under the same ids", async () => {
    const { page, sends, urls, close } = await scripted("/?user=w&to=v", (socket) => greet(socket));
    await online(page);
    await say(page, "1");
    await say(page, "2");
    await until(async () => sends().length, 2);
    await close(1012);
    await until(async () => sends().map(({ text }) => text), ["1", "2", "1", "2"]);
    expect(urls).toHaveLength(2);
    const ids = sends().map(({ id }) => id);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
  });

  test("W19 no more sends wait than the window allows, and ids grow in the order of writing", async () => {
    const { page, sends, tell } = await scripted("/?user=w&to=v", (socket) => greet(socket, 2));
    await online(page);
    for (const text of ["1", "2", "3", "4"]) await say(page, text);
    await until(async () => sends().length, 2);
    await Bun.sleep(300);
    expect(sends().map(({ text }) => text)).toEqual(["1", "2"]);
    tell({ type: "accepted", id: sends()[0]?.["id"], conversation: "c1", seq: 1, time: 1, duplicate: false });
    await until(async () => sends().map(({ text }) => text), ["1", "2", "3"]);
    await until(() => ticks(page), ["accepted", "waiting", "waiting", "waiting"]);
    const ids = sends().map(({ id }) => String(id));
    expect(ids).toEqual(ids.toSorted());
  });

  test("W20 `later`: the same id is sent again after the delay, before all later messages; `never`: the reason is shown at the message", async () => {
    const { page, sends, sentAt, tell } = await scripted("/?user=w&to=v", (socket) => greet(socket));
    await online(page);
    await say(page, "1");
    await say(page, "2");
    await until(async () => sends().length, 2);
    const [first, second] = sends().map(({ id }) => String(id));
    const rejectedAt = performance.now();
    for (const id of [first, second])
      tell({ type: "rejected", id, code: "rate_limited", message: "Slow down", retry: "later", retryAfterMs: 700 });
    await say(page, "3");
    await until(async () => sends().map(({ text }) => text), ["1", "2", "1", "2", "3"]);
    expect((sentAt.get(sends()[2] ?? {}) ?? 0) - rejectedAt).toBeGreaterThan(690);
    expect(
      sends()
        .map(({ id }) => id)
        .slice(2, 4),
    ).toEqual([first, second]);
    tell({ type: "rejected", id: first, code: "blocked", message: "They do not want it", retry: "never" });
    await until(() => ticks(page), ["failed", "waiting", "waiting"]);
    expect(await page.textContent("[data-tick=failed] .note")).toBe("Not sent: They do not want it");
    await page.reload();
    await until(() => ticks(page), ["failed", "waiting", "waiting"]);
    await until(
      async () =>
        sends()
          .slice(5)
          .map(({ text }) => text),
      ["2", "3"],
    );
    await page.click("[data-tick=failed] .discard");
    await until(() => texts(page), ["2", "3"]);
  });

  test("W21 after a close code of 4500 or more the page stays disconnected; below it, it reconnects", async () => {
    const codes = [1012, 4408, 4501];
    const { page, urls } = await scripted("/?user=w&to=v", (socket, at) => {
      greet(socket);
      void socket.close({ code: codes[at - 1] ?? 1000, reason: "banned" });
    });
    await page.waitForSelector("#status[data-state=ended]");
    expect(await page.textContent("#status")).toContain("banned");
    await Bun.sleep(1_500);
    expect(urls).toHaveLength(3);
  });

  /** A message of v, by its seq. */
  const said = (seq: number, text: string) => {
    const id = `01980000-0000-7000-8000-00000000000${seq}`;
    return { kind: "message", conversation: "c1", seq, id, from: "v", to: "w", text, time: 1 };
  };

  test("W22 an ack is sent only for stored changes; the next connection continues from there", async () => {
    const { page, sent, urls, tell } = await scripted("/?user=w&to=v", (socket) => greet(socket));
    await online(page);
    tell({ type: "changes", cursor: "c1", more: false, changes: [said(1, "hi"), { kind: "news" }] });
    tell({ type: "weather", temperature: 20 });
    const acks = async () => sent.filter(({ type }) => type === "ack").map(({ cursor }) => cursor);
    await until(async () => (await acks()).at(-1), "c1");
    expect(await storedCursor(page)).toBe("c1");
    const read = { type: "read", conversation: "c1", seq: 1 };
    await until(async () => sent.filter(({ type }) => type === "read"), [read]);
    await page.evaluate(`for (const name of ["put", "add"])
      IDBObjectStore.prototype[name] = () => { throw new DOMException("full", "QuotaExceededError"); }`);
    tell({ type: "changes", cursor: "c2", more: false, changes: [said(2, "there"), said(1, "hi")] });
    await page.waitForSelector("#storage[data-storage=full]");
    await Bun.sleep(300);
    expect((await acks()).at(-1)).toBe("c1");
    await page.reload();
    await online(page);
    expect(urls.at(-1)?.searchParams.get("cursor")).toBe("c1");
    expect(urls.at(-1)?.searchParams.get("device")).toBe(urls[0]?.searchParams.get("device") ?? "");
  });

  test("W23 reset drops the cache, keeps the outbox, and continues from its cursor", async () => {
    const { page, sent, tell } = await scripted("/?user=w&to=v", (socket) => greet(socket));
    await online(page);
    tell({ type: "changes", cursor: "c1", more: false, changes: [said(1, "hi")] });
    await until(() => texts(page), ["hi"]);
    await say(page, "mine");
    tell({ type: "reset", reason: "epoch", cursor: "e0" });
    await until(() => texts(page), ["mine"]);
    await until(async () => sent.filter(({ type }) => type === "ack").at(-1)?.["cursor"], "e0");
    await until(() => ticks(page), ["waiting"]);
  });
});
