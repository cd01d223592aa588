import type { Environment, Occasion, SocketLike } from "../../../src/client/environment.ts";
import type { Frame, LinkEvents, Position } from "../../../src/client/link/contract.ts";
import { createLink, type LinkOptions } from "../../../src/client/link/link.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { welcomeOf } from "./steps.ts";

/** The server's end of a socket. */
export class FakeSocket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly sent: { readonly type: string; readonly id?: string; readonly token?: string }[] = [];
  isOpen = true;

  constructor(url: string, protocols: readonly string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { readonly type: string });
  }
  close(): void {
    this.isOpen = false;
  }
  /** A frame, or any text. */
  say(frame: object | string): void {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }
  welcome(): void {
    this.say(welcomeOf());
  }
  drop(code: number, reason = ""): void {
    this.isOpen = false;
    this.onclose?.({ code, reason });
  }
}

/** A request as the fake server sees it. */
export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly token: string | null;
  readonly headers: Headers;
  readonly body: unknown;
  readonly isAborted: () => boolean;
  answer(status: number, body?: object | string | null, headers?: Record<string, string>): Promise<void>;
  /** The network fails. */
  fail(): Promise<void>;
};

/** Everything that a link takes from its runtime, in the hands of a test. */
export function fakeEnvironment({ isVisible = true, isOnline = true } = {}) {
  const clock = fakeClock();
  const sockets: FakeSocket[] = [];
  const requests: Asked[] = [];
  const listeners = new Set<(occasion: Occasion) => void>();

  async function fetch(request: Request): Promise<Response> {
    const text = await request.text();
    const { pathname, searchParams } = new URL(request.url);
    const answered = Promise.withResolvers<Response>();
    request.signal.addEventListener("abort", () => answered.reject(new Error("aborted")));
    requests.push({
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      token: request.headers.get("authorization"),
      headers: request.headers,
      body: text === "" ? null : (JSON.parse(text) as unknown),
      isAborted: () => request.signal.aborted,
      async answer(status, body = null, headers = {}) {
        const content = body === null ? null : typeof body === "string" ? body : JSON.stringify(body);
        answered.resolve(new Response(content, { status, headers }));
        await clock.advance(0);
      },
      async fail() {
        answered.reject(new TypeError("Failed to fetch"));
        await clock.advance(0);
      },
    });
    return await answered.promise;
  }

  const environment: Environment = {
    clock,
    randomBytes: (count) => new Uint8Array(count),
    connect(url, protocols) {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    fetch,
    openChannel: () => null,
    surroundings: {
      isVisible: () => isVisible,
      isOnline: () => isOnline,
      on(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  };
  const last = <Item>(items: readonly Item[], name: string): Item => {
    const item = items.at(-1);
    if (item === undefined) throw new Error(`There was no ${name}`);
    return item;
  };
  return {
    environment,
    clock,
    sockets,
    requests,
    listeners,
    socket: () => last(sockets, "socket"),
    request: () => last(requests, "request"),
    openSockets: () => sockets.filter(({ isOpen }) => isOpen),
    happen(occasion: Occasion): void {
      for (const listener of listeners) listener(occasion);
    },
    /** Whatever is due now happens. */
    settle: async (): Promise<void> => {
      for (let i = 0; i < 3; i++) await clock.advance(0);
    },
  };
}

export type FakeEnvironment = ReturnType<typeof fakeEnvironment>;

type Faked = Partial<LinkOptions> & {
  readonly position?: () => Position | null;
  readonly onFrame?: (frame: Frame) => void;
  readonly isVisible?: boolean;
};

/** A link in a fake environment, with the calls that it made. */
export function fakeLink({
  position = () => ({ device: "d1", cursor: "c0", level: 1 }),
  onFrame,
  isVisible = true,
  ...options
}: Faked = {}) {
  const fake = fakeEnvironment({ isVisible });
  const calls: string[] = [];
  const frames: Frame[] = [];
  const faults: unknown[] = [];
  const events: LinkEvents = {
    onConnect: (begin) => begin(position()),
    onWelcome: () => void calls.push("welcome"),
    onFrame(frame) {
      frames.push(frame);
      onFrame?.(frame);
    },
    onDown: () => void calls.push("down"),
    onStatus: ({ state, ...rest }) =>
      void calls.push([state, ...Object.values(rest).filter((v) => typeof v === "string")].join(" ")),
  };
  const link = createLink(
    {
      environment: fake.environment,
      url: "https://app.example/chat",
      user: "alice",
      tenant: "default",
      onFault: (fault) => void faults.push(fault),
      ...options,
    },
    events,
  );
  return {
    ...fake,
    link,
    calls,
    frames,
    faults,
    async toOnline(): Promise<void> {
      link.start();
      await fake.settle();
      fake.socket().welcome();
      link.caughtUp();
    },
    /** Its sockets fail, and HTTP works. */
    async toPolling(): Promise<void> {
      link.start();
      await fake.settle();
      for (let i = 0; i < 2; i++) {
        fake.socket().drop(1006);
        await fake.settle();
        await fake.request().answer(200, {});
        await fake.clock.advance(400);
      }
      await fake.settle();
    },
  };
}
