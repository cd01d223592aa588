import type { Session } from "../model.ts";

/** A proved, well-formed request for a socket, ready for the upgrade. */
export type Admission = {
  readonly session: Session;
  readonly device: string;
  /** The address of the request, without its query: the host sees it when the client proves its identity again. */
  readonly url?: string;
  /** The name under which the peer's address is counted; absent: it is not. */
  readonly address?: string;
  /** When `authenticate` was called, by the server's steady clock in milliseconds: a revocation after it ends this session too. */
  readonly admittedAt?: number;
  /** The cursor that the device stored, as it was given. */
  readonly cursor?: string;
  /** The highest level of entry that the client understands; absent: the lowest. */
  readonly level?: number;
  /** Headers that the upgrade's 101 must carry (the selected subprotocol). */
  readonly headers: Readonly<Record<string, string>>;
};
