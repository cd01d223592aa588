import type { Client, Thread, ThreadRow } from "../../../src/client/api.ts";
import { createClient } from "../../../src/client/client.ts";
import type { Environment, Occasion, SocketLike } from "../../../src/client/environment.ts";
import type { Chance } from "../sim/chance.ts";
import { createLink, type Link } from "../sim/link.ts";
import { createProcess, type SimProcess } from "../sim/process.ts";
import type { Browser } from "./browser.ts";
import type { SdkWorld } from "./world.ts";

/** The base of the chat in a simulated world. */
export const base = "http://sim";

/** A tab of a browser: the SDK over simulated sockets, requests, storage and time. Each of its effects is a moment at which it may die. */
export function createTab({
  world,
  browser,
  chance,
  serial,
}: {
  readonly world: SdkWorld;
  readonly browser: Browser;
  readonly chance: Chance;
  readonly serial: number;
}) {
  const { timeline } = world;
  const process: SimProcess = createProcess(timeline, chance.fork("process"), {
    skewMs: chance.between(-60_000, 60_000),
    lateMs: 0,
  });
  const links = new Set<Link>();
  const listeners = new Set<(occasion: Occasion) => void>();
  let isVisible = chance.hits(0.7);
  let isOnline = true;
  /** The server has no room for sends until then. */
  let putOffUntil = 0;
  /** The tab dies at this many more effects. */
  let effectsLeft = Number.POSITIVE_INFINITY;

  /** Before each effect: the tab may die here. */
  function effect(): boolean {
    if (process.isDead()) return false;
    effectsLeft--;
    if (effectsLeft > 0) return true;
    kill();
    return false;
  }

  function kill(): void {
    if (process.isDead()) return;
    world.trace(browser, `${serial} dies`);
    process.kill();
    for (const link of links) link.leave(chance.hits(0.5));
    links.clear();
    browser.left(tab);
  }

  function connect(url: string): SocketLike {
    const parameters = new URL(url).searchParams;
    const device = parameters.get("device");
    const socket: SocketLike = {
      send(text) {
        if (!effect()) return;
        world.trace(browser, `${serial} > ${text}`);
        world.watch.frame(browser, text, device);
        if (link === null || !link.isOpen()) return;
        const frame = JSON.parse(text) as { readonly type: string; readonly id?: string };
        if (frame.type === "send" && timeline.now() < putOffUntil) putOff(frame.id);
        else link.send(frame);
      },
      close() {
        if (link === null || !link.isOpen()) return;
        links.delete(link);
        link.leave(true);
        process.clock.defer(() => socket.onclose?.({ code: 1000, reason: "" }));
      },
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    };
    let link: Link | null = null;
    const putOff = (id: string | undefined): void =>
      void timeline.after(1, () => {
        const answer = {
          type: "rejected",
          id,
          code: "unavailable",
          message: "No room",
          retry: "later",
          retryAfterMs: 300,
        };
        process.run(() => link?.isOpen() === true && socket.onmessage?.({ data: JSON.stringify(answer) }));
      });
    if (!effect()) return socket;
    const cursor = parameters.get("cursor") ?? undefined;
    if (cursor !== undefined) world.watch.cursor(browser, { text: cursor, what: "connected with", device });
    const node = world.pickNode(chance);
    if (node === null || !isOnline) {
      void timeline.after(1, () => process.run(() => socket.onclose?.({ code: 1006, reason: "" })));
      return socket;
    }
    let isOpened = false;
    const made = createLink({
      timeline,
      chance: chance.fork(`link ${timeline.now()}`),
      process: node.process,
      linkMs: () => world.faults().linkMs,
      kernelBytes: world.faults().kernelBytes,
      client: {
        receive: (text) =>
          process.run(() => {
            world.trace(browser, `${serial} < ${text}`);
            world.watch.received(browser, text);
            if (!isOpened) socket.onopen?.(undefined as never);
            isOpened = true;
            socket.onmessage?.({ data: text });
          }),
        pinged: () => {},
        closed: (code) =>
          process.run(() => {
            links.delete(made);
            socket.onclose?.({ code, reason: "" });
          }),
      },
    });
    link = made;
    links.add(made);
    const hello = {
      tenant: world.tenant,
      user: browser.user,
      device: device ?? "default",
      cursor,
      level: Number(parameters.get("level") ?? 1),
    };
    void timeline.after(0, () => {
      if (node.process.isDead()) made.cut("client");
      else node.process.run(() => void node.connect(made, hello));
    });
    return socket;
  }

  function fetch(request: Request): Promise<Response> {
    if (!effect()) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const wayMs = (): number => chance.unit() * world.faults().linkMs;
      const fail = (): void => process.run(() => reject(new TypeError("Failed to fetch")));
      request.signal.addEventListener("abort", fail);
      const node = world.pickNode(chance);
      if (node === null || !isOnline || chance.hits(world.loses())) return void timeline.after(wayMs(), fail);
      const headers = new Headers(request.headers);
      headers.set("x-tenant", world.tenant);
      headers.set("x-user", browser.user);
      void request.text().then((body) =>
        timeline.after(wayMs(), () =>
          node.process.run(() => {
            const asked = new Request(request.url, { method: request.method, headers, ...(body !== "" && { body }) });
            world.trace(browser, `${serial} asks ${request.method} ${request.url} ${body}`);
            world.watch.request(browser, { method: request.method, url: new URL(request.url), body });
            node.chat.fetch(asked).then(
              async (response) => {
                const text = await response.text();
                if (chance.hits(world.loses())) return void timeline.after(wayMs(), fail);
                world.trace(browser, `${serial} is answered ${response.status} ${text}`);
                const answer = { status: response.status, headers: response.headers };
                void timeline.after(wayMs(), () =>
                  process.run(() => resolve(new Response(response.status === 204 ? null : text, answer))),
                );
              },
              () => void timeline.after(wayMs(), fail),
            );
          }),
        ),
      );
    });
  }

  const environment: Environment = {
    clock: process.clock,
    randomBytes: (count) => Uint8Array.from({ length: count }, () => chance.between(0, 255)),
    connect,
    fetch,
    openChannel: (_name, onHint) => {
      const end = browser.join(tab, (hint) => process.run(() => onHint(hint)));
      return { post: (hint) => effect() && end.post(hint), close: end.close };
    },
    surroundings: {
      isVisible: () => isVisible,
      isOnline: () => isOnline,
      on(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  };

  const storage = browser.disk.storage(process);
  const tab = {
    process,
    browser,
    serial,
    get client(): Client {
      return client;
    },
    thread: (other: string): Thread => client.thread({ with: other }),
    /** The rows that a person sees. */
    rows: (other: string): readonly ThreadRow[] => tab.thread(other).state.get().rows,
    isVisible: (): boolean => isVisible,
    show(visible: boolean): void {
      if (visible === isVisible) return;
      isVisible = visible;
      tab.occur(visible ? "visible" : "hidden");
    },
    setOnline(online: boolean): void {
      isOnline = online;
      if (!online) for (const link of links) link.cut("both");
      tab.occur(online ? "online" : "offline");
    },
    occur(occasion: Occasion): void {
      process.run(() => {
        for (const listener of [...listeners]) listener(occasion);
      });
    },
    /** For this long the server refuses every send of this tab for the time being. */
    putOff: (ms: number): void => void (putOffUntil = timeline.now() + ms),
    dieAfter: (effects: number): void => void (effectsLeft = effects),
    links: (): readonly Link[] => [...links],
    kill,
  };
  const client = createClient({
    url: base,
    user: browser.user,
    tenant: world.tenant,
    storage: {
      ...storage,
      async open(scope, makeDevice) {
        if (!effect()) return await new Promise<never>(() => {});
        const vault = await storage.open(scope, makeDevice);
        return {
          ...vault,
          write(write, durability) {
            if (!effect()) return new Promise(() => {});
            world.trace(browser, `${serial} writes ${durability} ${JSON.stringify(write)}`);
            return vault.write(write, durability);
          },
        };
      },
    },
    environment,
    onFault: (fault) => world.fault(browser, fault),
  });
  client.retain();
  return tab;
}

export type Tab = ReturnType<typeof createTab>;
