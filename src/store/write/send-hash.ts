import { sha256 } from "../../internal/sha256.ts";

/** The content that distinguishes one send from another: its conversation, once that was found, and every field of the message. */
export type SentContent = {
  /** The conversation's key. */
  readonly conversation: number;
  readonly text: string;
  /** As they are stored. */
  readonly mentions?: string;
};

/**
 * The hash of a send's content: a retry is compared with it once the text of the message has changed. It is stored, so the hash of the same content
 * must never change: a field that a later release adds is included only where a client has sent it.
 */
export const hashOfSend = ({ conversation, text, mentions }: SentContent): Promise<string> =>
  sha256(JSON.stringify({ conversation, text, ...(mentions !== undefined && { mentions }) }));
