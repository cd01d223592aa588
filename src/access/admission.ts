import type { Session } from "../model.ts";

/** A proved, well-formed wish to open a socket: what is left is the upgrade itself. */
export type Admission = {
  readonly session: Session;
  readonly device: string;
  /** The address that was asked, without its query: what the host sees of a client that proves again who it is. */
  readonly url?: string;
  /** The name under which the peer's address is counted; absent: it is not. */
  readonly address?: string;
  /** When the host began to be asked, by the server's steady clock in milliseconds: what ends sessions after it ends this too. */
  readonly admittedAt?: number;
  /** The cursor that the device stored, as it was given. */
  readonly cursor?: string;
  /** The highest level of entry that the client understands; absent: the lowest. */
  readonly level?: number;
  /** Headers that the upgrade's 101 must carry (the selected subprotocol). */
  readonly headers: Readonly<Record<string, string>>;
};
