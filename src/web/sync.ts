import { utf8Bytes } from "../internal/utf8.ts";
import type { ServerFrame } from "../protocol/frame.ts";
import { type Parameters, socketUrl } from "./address.ts";
import { createLink, type LinkState } from "./link.ts";
import { type Conversation, createState } from "./state.ts";

export type SyncOptions = {
  readonly user: string;
  readonly tenant: string | undefined;
  readonly device: string | undefined;
  /** The parameters of the socket's address beside device and cursor. */
  readonly address: Parameters;
  /** Called when something on the page may have changed. */
  readonly onChange: () => void;
  readonly onLink: (state: LinkState) => void;
};

const saveDelayMs = 50;
const typingSentMs = 3_000;
const typingShownMs = 5_000;
const retryMs = 1_000;

/** Keeps this browser's data in step with the server, and sends the outbox in order. */
export function createSync(options: SyncOptions) {
  const { user, address, onChange } = options;
  const state = createState({ tenant: options.tenant ?? "default", user, device: options.device });
  const typists = new Map<string, ReturnType<typeof setTimeout>>();
  const readAsked = new Map<string, number>();
  let limits = { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 };
  let ackedCursor: string | null = null;
  let typingSent = { to: "", at: Number.NEGATIVE_INFINITY };
  let holding: ReturnType<typeof setTimeout> | undefined;
  let saving: ReturnType<typeof setTimeout> | undefined;

  const link = createLink({
    url() {
      save();
      return socketUrl({ ...address, device: state.device, cursor: state.storedCursor() ?? undefined });
    },
    onFrame(frame) {
      receive(frame);
      onChange();
    },
    onLink(next) {
      options.onLink(next);
      if (next.kind === "online") return;
      for (const pending of state.outbox) if (pending.state === "sent") pending.state = "waiting";
      for (const who of typists.keys()) stopTyping(who);
      onChange();
    },
  });

  function receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        // A cookie may name another user than when the page was opened.
        if (frame.user !== user) return location.reload();
        limits = frame.limits;
        ackedCursor = state.storedCursor();
        readAsked.clear();
        state.begin(frame.cursor);
        saveSoon();
        release();
        return;
      case "reset":
        state.reset(frame.cursor);
        return saveSoon();
      case "changes":
        for (const change of frame.changes) {
          if (change.kind === "receipt") state.putReceipt(change);
          if (change.kind !== "message") continue;
          state.putMessage(change);
          stopTyping(change.from);
        }
        state.advance(frame.cursor);
        return saveSoon();
      case "accepted":
        state.accept(frame);
        saveSoon();
        return pump();
      case "rejected":
        return refuse(frame);
      case "typing":
        return frame.typing ? startTyping(frame.user) : stopTyping(frame.user);
      default:
      // A frame of a later version of the protocol.
    }
  }

  function refuse(frame: Extract<ServerFrame, { type: "rejected" }>): void {
    const pending = state.outbox.find(({ id }) => id === frame.id);
    if (!pending) return;
    if (frame.retry === "never") {
      state.fail(pending, frame.message);
    } else {
      pending.state = "waiting";
      clearTimeout(holding);
      holding = setTimeout(release, frame.retryAfterMs ?? retryMs);
    }
    pump();
  }

  function release(): void {
    clearTimeout(holding);
    holding = undefined;
    pump();
  }

  /** Sends the waiting messages in order, as far as the window allows. */
  function pump(): void {
    if (holding !== undefined) return;
    const open = state.outbox.filter((pending) => pending.state !== "failed");
    const next = open.findIndex((pending) => pending.state === "waiting");
    // A later message has no answer yet: sending this one again before it could reverse the two.
    if (next < 0 || open.slice(next).some((pending) => pending.state === "sent")) return;
    for (const pending of open.slice(next, limits.sendWindow)) {
      if (!link.send({ type: "send", id: pending.id, to: pending.to, text: pending.text })) return;
      pending.state = "sent";
    }
  }

  function saveSoon(): void {
    saving ??= setTimeout(save, saveDelayMs);
  }

  /** Acks only changes that are on disk. */
  function save(): void {
    clearTimeout(saving);
    saving = undefined;
    const cursor = state.save();
    if (cursor !== null && cursor !== ackedCursor && link.send({ type: "ack", cursor })) ackedCursor = cursor;
  }

  function startTyping(who: string): void {
    stopTyping(who);
    const expire = (): void => {
      stopTyping(who);
      onChange();
    };
    if (who !== user) typists.set(who, setTimeout(expire, typingShownMs));
  }

  function stopTyping(who: string): void {
    clearTimeout(typists.get(who));
    typists.delete(who);
  }

  function sendTyping(to: string, typing: boolean): void {
    const now = performance.now();
    const isToldAlready = typingSent.to === to && now - typingSent.at < typingSentMs;
    if (typing === isToldAlready) return;
    typingSent = { to, at: typing ? now : Number.NEGATIVE_INFINITY };
    link.send({ type: "typing", to, typing });
  }

  return {
    state,
    connect: link.connect,
    hurry: link.hurry,
    save,
    sendTyping,
    isTyping: (who: string): boolean => typists.has(who),

    /** Puts a message into the outbox; returns the reason for a refusal, or null. */
    send(to: string, text: string): string | null {
      const frame = { type: "send", id: "0".repeat(36), to, text };
      if (utf8Bytes(text) > limits.textBytes || utf8Bytes(JSON.stringify(frame)) > limits.frameBytes)
        return "This is too long for one message: please split it";
      sendTyping(to, false);
      state.compose(to, text);
      pump();
      return null;
    },

    /** Reports that the user saw a conversation up to here; once per connection is enough. */
    read({ id, marks }: Conversation, seq: number): void {
      if (seq <= Math.max(marks.get(user)?.read ?? 0, readAsked.get(id) ?? 0)) return;
      if (link.send({ type: "read", conversation: id, seq })) readAsked.set(id, seq);
    },
  };
}
