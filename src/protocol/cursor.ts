import { ecb, unsafe } from "@noble/ciphers/aes.js";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { base64url } from "jose";
import type { Random } from "../internal/random.ts";
import { levelMin } from "./level.ts";

/** The content of a decoded cursor. */
export type Position = {
  /** The change number. */
  readonly n: number;
  /** The level of the changes sent up to here; absent: the lowest. */
  readonly level?: number;
  /** It covers the list of undelivered messages, not the log: it skips the user's own changes on other devices. */
  readonly isList?: true;
};

/** Makes and reads the opaque texts of one history of a database. */
export type Cursors = {
  /** The wire's opaque form of a position: another text at each call, which does not reveal how much any user has written. */
  readonly encode: (position: Position) => string;
  /** Reads a cursor back; null if it is none of this history. */
  readonly decode: (text: string) => Position | null;
  /** The wire's opaque form of any other text that only the server reads, such as the start of the next page. */
  readonly seal: (text: string) => string;
  /** Reads it back; null if this database has not made it. */
  readonly unseal: (text: string) => string | null;
  /** The name of the history for clients, which only compare it: the same on every node, and nothing can be made of it. */
  readonly history: () => string;
};

/** A block of AES as base64url, or a cursor of the first releases: its history and its number in the open. */
const form = /^[A-Za-z0-9_-]{22}$/;
const openForm = /^([a-z0-9]{8,16})\.(0|[1-9a-z][0-9a-z]{0,10})$/;

/** Whether a text has the form of a cursor, of any history. */
export const isCursor = (text: string): boolean => form.test(text) || readOpen(text) !== null;

/** A cursor of the first releases; null if the text is none. */
function readOpen(text: string): { readonly epoch: string; readonly n: number } | null {
  const [, epoch, digits] = openForm.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return null;
  const n = Number.parseInt(digits, 36);
  return Number.isSafeInteger(n) ? { epoch, n } : null;
}

const blockBytes = 16;
const keyBytes = 16;
const nonceBytes = 24;
/** Marks a position as encrypted here, and distinguishes one in the log, which has a level, from one in the list of undelivered messages. */
const logMark = 0x7101;
const listMark = 0x7102;
/** From one level to the next one. */
const markStep = 0x10;
const markLevels = 16;
/** A position has six bytes. */
const nMax = 2 ** 48 - 1;
/** Cursors that were sent and will soon be acked. */
const recentMax = 2_048;

const positionOf = (n: number, level: number): Position => ({ n, ...(level > levelMin && { level }) });

/** 32 bits of a text, the same on every node (FNV-1a). */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The key of sealed texts: the second half of the secret, drawn out to 32 bytes by the cipher itself. */
function sealKey(secret: Uint8Array): Uint8Array {
  return ecb(secret.slice(keyBytes, 2 * keyBytes), { disablePadding: true }).encrypt(
    new Uint8Array(2 * blockBytes).fill(1, blockBytes),
  );
}

/** The name of a history under the key (CBC-MAC): whoever knew the name itself could write cursors of the first releases. */
function historyName(epoch: string, encrypt: (block: Uint8Array) => Uint8Array): string {
  const bytes = new TextEncoder().encode(epoch);
  let block = new Uint8Array(blockBytes);
  for (let from = 0; from < bytes.length; from += blockBytes)
    block = Uint8Array.from(encrypt(block.map((byte, at) => byte ^ (bytes[from + at] ?? 0))));
  return base64url.encode(block);
}

function bytesOf(text: string): Uint8Array | null {
  try {
    return base64url.decode(text);
  } catch {
    return null;
  }
}

export type CursorOptions = {
  /** 64 hexadecimal digits that only the nodes on the database know. */
  readonly secret: string;
  /** The name of the history. */
  readonly epoch: string;
  readonly random: Pick<Random, "integer">;
};

/**
 * The opaque texts of one history. A cursor is one block of AES-128 (FIPS 197): the history, the level, the change number and a counter, so that no two
 * are alike and the number cannot be read; a block of another key is refused. Other texts go through XChaCha20-Poly1305.
 *
 * @example
 * const cursors = createCursors({ secret, epoch, random });
 * cursors.decode(cursors.encode({ n: 12 })); // { n: 12 }
 */
export function createCursors({ secret, epoch, random }: CursorOptions): Cursors {
  const bytes = Uint8Array.from(secret.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  // Two keys from one secret: knowledge of one cipher's texts does not help against the other's key.
  const blockKey = bytes.slice(0, keyBytes);
  const key = sealKey(bytes);
  // The keys of the rounds are made once: to make them for each cursor took twelve times as long as to encrypt it.
  const [encryptKey, decryptKey] = [unsafe.expandKeyLE(blockKey), unsafe.expandKeyDecLE(blockKey)];
  const encrypted = (block: Uint8Array): Uint8Array => unsafe.encryptBlock(encryptKey, block.slice());
  const tag = hash32(epoch);
  const history = historyName(epoch, encrypted);
  let counter = random.integer() % 2 ** 32;
  /** The last cursor that was made: all recipients of a commit get the same one. */
  let last: { readonly n: number; readonly level: number; readonly text: string } | null = null;
  const recent = new Map<string, Position>();

  function remember(text: string, position: Position): void {
    if (recent.size >= recentMax) for (const oldest of recent.keys()) if (recent.delete(oldest)) break;
    recent.set(text, position);
  }

  function read(text: string): Position | null {
    const block = bytesOf(text)?.slice();
    if (block?.length !== blockBytes) return null;
    const view = new DataView(unsafe.decryptBlock(decryptKey, block).buffer);
    if (view.getUint32(0) !== tag) return null;
    const mark = view.getUint16(4);
    const n = view.getUint16(6) * 2 ** 32 + view.getUint32(8);
    if (mark === listMark) return { n, isList: true };
    const above = (mark - logMark) / markStep;
    if (!Number.isInteger(above) || above < 0 || above >= markLevels) return null;
    return positionOf(n, levelMin + above);
  }

  return {
    history: () => history,
    encode({ n, isList, level = levelMin }) {
      if (!isList && last?.n === n && last.level === level) return last.text;
      if (!Number.isSafeInteger(n) || n < 0 || n > nMax) throw new RangeError(`A change number is wanted, got ${n}`);
      const view = new DataView(new ArrayBuffer(blockBytes));
      view.setUint32(0, tag);
      view.setUint16(4, isList ? listMark : logMark + markStep * (level - levelMin));
      view.setUint16(6, Math.floor(n / 2 ** 32));
      view.setUint32(8, n % 2 ** 32);
      counter = (counter + 1) >>> 0;
      view.setUint32(12, counter);
      const text = base64url.encode(encrypted(new Uint8Array(view.buffer)));
      if (!isList) last = { n, level, text };
      remember(text, isList ? { n, isList } : positionOf(n, level));
      return text;
    },

    decode(text) {
      const open = readOpen(text);
      if (open !== null) return open.epoch === epoch ? { n: open.n } : null;
      if (!form.test(text)) return null;
      return recent.get(text) ?? read(text);
    },

    seal(text) {
      const nonce = new Uint8Array(nonceBytes);
      for (let i = 0; i < nonceBytes; i += 6) {
        const chance = random.integer();
        for (let j = 0; j < 6; j++) nonce[i + j] = Math.floor(chance / 2 ** (8 * j)) % 256;
      }
      const sealed = xchacha20poly1305(key, nonce).encrypt(new TextEncoder().encode(text));
      const whole = new Uint8Array(nonceBytes + sealed.length);
      whole.set(nonce);
      whole.set(sealed, nonceBytes);
      return base64url.encode(whole);
    },

    unseal(text) {
      const whole = bytesOf(text);
      if (whole === null || whole.length <= nonceBytes) return null;
      try {
        const opened = xchacha20poly1305(key, whole.slice(0, nonceBytes)).decrypt(whole.slice(nonceBytes));
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(opened);
      } catch {
        return null;
      }
    },
  };
}
