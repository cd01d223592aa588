import type { Clock } from "../internal/clock.ts";

/** A WebSocket, as browsers, Bun, Deno, Node and React Native have it. */
export type SocketLike = {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  readonly bufferedAmount?: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
};

/** What happens to the page or app that the client runs in. */
export type Occasion = "visible" | "hidden" | "online" | "offline" | "resumed" | "leaving";

/** The page, app or process. */
export type Surroundings = {
  /** False: no person sees it now. */
  isVisible(): boolean;
  /** False: the device says that it has no network. */
  isOnline(): boolean;
  /** Calls `listener` with each occasion; returns the function that ends this. */
  on(listener: (occasion: Occasion) => void): () => void;
};

/** A way to the other tabs of the same scope. A hint that is lost costs time, never data. */
export type Channel = { post(hint: unknown): void; close(): void };

/** Everything that a client takes from its runtime. A simulator replaces all of it. */
export type Environment = {
  readonly clock: Clock;
  /** Random bytes, as from `crypto.getRandomValues`. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly connect: (url: string, protocols: readonly string[]) => SocketLike;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly openChannel: (name: string, onHint: (hint: unknown) => void) => Channel | null;
  readonly surroundings: Surroundings;
};
