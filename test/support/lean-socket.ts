/**
 * A WebSocket client for crowds: ten thousand in one process cost little. It does the opening handshake by hand, masks
 * with zeros, decodes frames only for a listener, and stops reading or falls silent on request.
 */
import type { Socket, SocketHandler } from "bun";

export type LeanOptions = {
  readonly port: number;
  readonly path: string;
  /** Each text frame as it comes; default: frames are skipped unread. */
  readonly onText?: (text: string, socket: LeanSocket) => void;
  readonly onClose?: (code: number, socket: LeanSocket) => void;
  /** Default true. */
  readonly doesPong?: boolean;
  /** How long the server may take over the handshake. Default: half a minute. */
  readonly handshakeMs?: number;
  /** Connects and sends no request. */
  readonly isMute?: boolean;
};

/** The result of the handshake: 101 is open, 0 is a refused or broken connection. */
export type Upgrade = { readonly status: number; readonly retryAfterMs: number };

const textOpcode = 1;
const closeOpcode = 8;
const pingOpcode = 9;
const pongOpcode = 10;
const abnormalClosure = 1006;
const handshakeMsMax = 30_000;

const handlers: SocketHandler<LeanSocket> = {
  open: (socket) => socket.data.attach(socket),
  data: (socket, chunk) => socket.data.take(chunk),
  drain: (socket) => socket.data.drain(),
  close: (socket) => socket.data.lose(),
  error: (socket) => socket.data.lose(),
  connectError: (socket) => socket.data.lose(),
};

/** Client frames must be masked; the mask may be zero (RFC 6455 section 5.3), so that the payload stays as it is. */
export function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  const length = payload.length;
  const head =
    length < 126
      ? [0x80 | opcode, 0x80 | length]
      : length < 65_536
        ? [0x80 | opcode, 0x80 | 126, length >> 8, length & 255]
        : [
            0x80 | opcode,
            0x80 | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255,
          ];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

export class LeanSocket {
  /** Resolves once the server has answered the handshake, or has not. */
  readonly upgraded: Promise<Upgrade>;
  bytesReceived = 0;
  doesPong: boolean;
  private readonly options: LeanOptions;
  private readonly resolve: (upgrade: Upgrade) => void;
  private socket: Socket<LeanSocket> | null = null;
  private state: "opening" | "open" | "closed" = "opening";
  private incoming: Buffer = Buffer.alloc(0);
  private outgoing: Buffer[] = [];
  private closeCode = abnormalClosure;

  constructor(options: LeanOptions) {
    this.options = options;
    this.doesPong = options.doesPong ?? true;
    const { promise, resolve } = Promise.withResolvers<Upgrade>();
    this.upgraded = promise;
    this.resolve = resolve;
    const { port, handshakeMs = handshakeMsMax } = options;
    const timer = setTimeout(() => this.end(), handshakeMs);
    void promise.then(() => clearTimeout(timer));
    Bun.connect({ hostname: "127.0.0.1", port, data: this, socket: handlers }).catch(() => this.lose());
  }

  isOpen(): boolean {
    return this.state === "open";
  }

  text(value: string): void {
    this.write(maskedFrame(textOpcode, Buffer.from(value)));
  }

  /** Raw bytes: pieces of frames, or no frames at all. */
  write(bytes: Buffer): void {
    if (this.state === "closed" || this.socket === null) return;
    this.outgoing.push(bytes);
    if (this.outgoing.length === 1) this.drain();
  }

  /** Bytes that the kernel has not taken yet. */
  waitingBytes(): number {
    return this.outgoing.reduce((sum, { length }) => sum + length, 0);
  }

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    this.socket?.resume();
  }

  /** Disconnects without a close frame. */
  end(): void {
    this.socket?.terminate();
    this.lose();
  }

  attach(socket: Socket<LeanSocket>): void {
    this.socket = socket;
    const { port, path, isMute = false } = this.options;
    if (isMute) return;
    const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
    this.write(
      Buffer.from(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      ),
    );
  }

  drain(): void {
    for (let first = this.outgoing[0]; first !== undefined; first = this.outgoing[0]) {
      const written = Math.max(0, this.socket?.write(first) ?? 0);
      if (written < first.length) {
        this.outgoing[0] = first.subarray(written);
        return;
      }
      this.outgoing.shift();
    }
  }

  take(chunk: Buffer): void {
    this.bytesReceived += chunk.length;
    this.incoming = this.incoming.length === 0 ? chunk : Buffer.concat([this.incoming, chunk]);
    if (this.state === "opening" && !this.takeHead()) return;
    while (this.state === "open" && this.takeFrame());
  }

  lose(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.incoming = Buffer.alloc(0);
    this.outgoing = [];
    this.resolve({ status: 0, retryAfterMs: 0 });
    this.options.onClose?.(this.closeCode, this);
  }

  private takeHead(): boolean {
    const end = this.incoming.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = this.incoming.subarray(0, end).toString("latin1");
    this.incoming = this.incoming.subarray(end + 4);
    const status = Number(head.split(" ", 2)[1]);
    const retryAfterMs = Number(/^retry-after: *(\d+)/im.exec(head)?.[1] ?? 0) * 1_000;
    if (status === 101) this.state = "open";
    this.resolve({ status, retryAfterMs });
    if (status !== 101) this.end();
    return status === 101;
  }

  private takeFrame(): boolean {
    const data = this.incoming;
    if (data.length < 2) return false;
    const short = (data[1] ?? 0) & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (data.length < start) return false;
    const length = short === 126 ? data.readUInt16BE(2) : short === 127 ? data.readUInt32BE(6) : short;
    if (data.length < start + length) return false;
    // A copy: the runtime uses the memory of a chunk again.
    const rest = data.subarray(start + length);
    this.incoming = rest.length === 0 ? rest : Buffer.from(rest);
    this.see((data[0] ?? 0) & 15, data.subarray(start, start + length));
    return true;
  }

  private see(opcode: number, payload: Buffer): void {
    if (opcode === textOpcode) this.options.onText?.(payload.toString(), this);
    else if (opcode === pingOpcode && this.doesPong) this.write(maskedFrame(pongOpcode, payload));
    else if (opcode === closeOpcode) {
      this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.end();
    }
  }
}
