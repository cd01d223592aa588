/** The events of one connection, for a load generator. */
export type ClientEvents = {
  /** A send was accepted; they come in the order of the sends. */
  readonly onAccepted?: () => void;
  /** A frame of changes held this many messages. */
  readonly onMessages?: (count: number) => void;
  /** Everything that waited has come. */
  readonly onCaughtUp?: () => void;
};

export type ClientOptions = {
  readonly port: number;
  readonly user: string;
  readonly device?: string;
  readonly cursor?: string;
  /** The highest level of entries that it understands; default: the server's lowest. */
  readonly level?: number;
};

const acceptedStart = '{"type":"accepted"';
const changesStart = '{"type":"changes","cursor":"';
const messageMark = '{"kind":"message"';

/**
 * A plain WebSocket that speaks just enough of the protocol. It reads frames as text: on a machine of two cores
 * a generator that parses its measurements would be the bottleneck. Any frame that a healthy run has not is thrown.
 */
export class LoadClient {
  readonly opened: Promise<void>;
  readonly caughtUp: Promise<void>;
  readonly closed: Promise<void>;
  frames = 0;
  messages = 0;
  /** Characters of frames with messages: they are ASCII here. */
  bytes = 0;
  private readonly socket: WebSocket;
  private readonly events: ClientEvents;
  private cursor = "";
  private acked = "";
  private isClosing = false;

  constructor({ port, user, device = "d1", cursor, level }: ClientOptions, events: ClientEvents = {}) {
    this.events = events;
    const start = `${cursor === undefined ? "" : `&cursor=${cursor}`}${level === undefined ? "" : `&level=${level}`}`;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws?user=${user}&device=${device}${start}`);
    const opened = Promise.withResolvers<void>();
    const caughtUp = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.caughtUp = caughtUp.promise;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (data.startsWith(acceptedStart)) this.events.onAccepted?.();
      else if (data.startsWith(changesStart)) this.takeChanges(data, caughtUp.resolve);
      else if (data.startsWith('{"type":"welcome"')) opened.resolve();
      else throw new Error(`An unexpected frame: ${data.slice(0, 200)}`);
    };
    this.socket.onclose = ({ code, reason }) => {
      closed.resolve();
      if (!this.isClosing) throw new Error(`The server closed a connection: ${code} ${reason}`);
    };
  }

  private takeChanges(data: string, resolve: () => void): void {
    const end = data.indexOf('"', changesStart.length);
    this.cursor = data.slice(changesStart.length, end);
    let count = 0;
    for (let at = data.indexOf(messageMark, end); at >= 0; at = data.indexOf(messageMark, at + 1)) count++;
    this.frames++;
    this.messages += count;
    if (count > 0) this.bytes += data.length;
    if (count > 0) this.events.onMessages?.(count);
    if (!data.startsWith('"more":false', end + 2)) return;
    resolve();
    this.events.onCaughtUp?.();
  }

  send(to: string, text: string): void {
    this.socket.send(`{"type":"send","id":"${Bun.randomUUIDv7()}","to":"${to}","text":"${text}"}`);
  }

  sendInto(conversation: string, text: string): void {
    this.socket.send(`{"type":"send","id":"${Bun.randomUUIDv7()}","conversation":"${conversation}","text":"${text}"}`);
  }

  /** Acks everything since the last ack. */
  ack(): void {
    if (this.cursor === this.acked) return;
    this.acked = this.cursor;
    this.socket.send(`{"type":"ack","cursor":"${this.cursor}"}`);
  }

  close(): void {
    this.isClosing = true;
    this.socket.close();
  }
}

const ackEveryMs = 100;
const ackSlices = 10;

/** Acks for all clients as real ones do: coalesced, at most ten a second each, not all at the same instant. */
export function startAcks(clients: readonly LoadClient[]): () => void {
  let slice = 0;
  const timer = setInterval(() => {
    for (let i = slice; i < clients.length; i += ackSlices) clients[i]?.ack();
    slice = (slice + 1) % ackSlices;
  }, ackEveryMs / ackSlices);
  return () => clearInterval(timer);
}
