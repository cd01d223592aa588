import { LeanSocket, type Upgrade } from "../../support/lean-socket.ts";

/** A message as a member of the crowd saw it. */
export type Seen = { readonly conversation: string; readonly seq: number; readonly text: string };

type Change = { readonly kind: string } & Seen;
type ChangesFrame = { readonly cursor: string; readonly more: boolean; readonly changes: readonly Change[] };

const rejectedStart = '{"type":"rejected"';
const acceptedStart = '{"type":"accepted"';
const changesStart = '{"type":"changes"';
const closedSoonMs = 1_000;

/** One device of a crowd. It keeps its cursor over its connections and reads no more of a frame than it needs. */
export class Member {
  readonly user: string;
  cursor = "";
  /** Whether the cursor moves with the messages; false: like a device that dies before it has stored them. */
  isStoring = true;
  isReading = true;
  socket: LeanSocket | null = null;
  /** All waiting messages have come, on this connection. */
  isCaughtUp = false;
  closes: number[] = [];
  rejected = 0;
  seen: Seen[] = [];
  onAccepted: () => void = () => {};
  onMessages: (messages: readonly Seen[]) => void = () => {};
  onClose: () => void = () => {};
  private readonly port: number;
  private readonly device: string;
  private readonly handshakeMs: number | undefined;
  private wake: () => void = () => {};

  constructor(options: { port: number; user: string; device?: string; handshakeMs?: number | undefined }) {
    const { port, user, device = "d1", handshakeMs } = options;
    this.handshakeMs = handshakeMs;
    this.port = port;
    this.user = user;
    this.device = device;
  }

  /** Connects, with the cursor if there is one; resolves with the answer to the handshake. */
  async enter(): Promise<Upgrade> {
    this.isCaughtUp = false;
    this.seen = [];
    const cursor = this.cursor === "" ? "" : `&cursor=${this.cursor}`;
    const socket = new LeanSocket({
      port: this.port,
      path: `/ws?user=${this.user}&device=${this.device}${cursor}`,
      ...(this.handshakeMs === undefined ? {} : { handshakeMs: this.handshakeMs }),
      onText: (text) => this.take(text),
      onClose: (code) => {
        if (this.socket !== socket) return;
        this.closes.push(code);
        this.wake();
        this.onClose();
      },
    });
    this.socket = socket;
    const upgrade = await socket.upgraded;
    if (upgrade.status === 101 && !this.isReading) socket.pause();
    return upgrade;
  }

  /** Connects as a client of the protocol does: refusals are waited out. Resolves with their number. */
  async resume(isOver: () => boolean): Promise<number> {
    for (let refusals = 0; ; refusals++) {
      const { status, retryAfterMs } = await this.enter();
      if (status === 101 && (await this.caughtUp())) return refusals;
      if (isOver()) throw new Error(`${this.user} was not resumed in time: the last answer was ${status}`);
      await Bun.sleep((retryAfterMs || closedSoonMs) * (1 + Math.random()));
    }
  }

  /** Resolves once the waiting messages have come, true, or the connection has closed, false. */
  async caughtUp(): Promise<boolean> {
    while (!this.isCaughtUp) {
      if (this.socket?.isOpen() !== true) return false;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.wake = resolve;
      await promise;
    }
    return true;
  }

  leave(): void {
    const { socket } = this;
    this.socket = null;
    socket?.end();
  }

  isOpen(): boolean {
    return this.socket?.isOpen() === true;
  }

  send(to: string, text: string): void {
    this.socket?.text(`{"type":"send","id":"${Bun.randomUUIDv7()}","to":"${to}","text":"${text}"}`);
  }

  private take(text: string): void {
    if (text.startsWith(acceptedStart)) this.onAccepted();
    else if (text.startsWith(changesStart)) this.takeChanges(JSON.parse(text) as ChangesFrame);
    else if (text.startsWith(rejectedStart)) this.rejected++;
    else if (this.cursor === "" && text.startsWith('{"type":"welcome"'))
      this.cursor = (JSON.parse(text) as { cursor: string }).cursor;
  }

  private takeChanges({ cursor, more, changes }: ChangesFrame): void {
    if (this.isStoring) this.cursor = cursor;
    const messages = changes
      .filter(({ kind }) => kind === "message")
      .map(({ conversation, seq, text }) => ({ conversation, seq, text }));
    if (!this.isStoring) this.seen.push(...messages);
    if (messages.length > 0) this.onMessages(messages);
    if (more || this.isCaughtUp) return;
    this.isCaughtUp = true;
    this.wake();
  }
}
