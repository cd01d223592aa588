import { sha256 } from "../../internal/sha256.ts";

/** What a client sent, as far as it makes a send another one: its conversation once that was found, and every field of its own. */
export type SentContent = {
  /** The conversation's key. */
  readonly conversation: number;
  readonly text: string;
};

/**
 * The hash of a send's content, which outlives the text: a retry is compared with it once the text is no longer the one that was sent. It is stored,
 * so it never changes: a field that a later release lets clients send is added where a client has sent it, and left out where not.
 */
export const hashOfSend = ({ conversation, text }: SentContent): Promise<string> =>
  sha256(JSON.stringify({ conversation, text }));
