/**
 * Messages between nodes. All of them are hints: one may come late, twice, out of order or never.
 *
 * A subject names the matter of a hint, from the general to the particular: texts that are not empty and are well-formed, such as a
 * fixed word, a tenant, a user. Two subjects are equal only if all their parts are, to the letter. A subject that cannot be
 * carried, such as one without parts or a very long one, is a mistake in the program.
 */
export interface Transport {
  /**
   * Sends a text to every other node that has subscribed to this subject; never to this one. Returns at once and never throws: a text that cannot
   * go out now, for want of a connection, behind too many others, or for its size, is dropped.
   */
  publish(subject: readonly string[], text: string): void;
  /**
   * Calls `listener` with the texts that other nodes publish there; returns how to end it, after which it is not called again. All
   * listeners for one subject share one subscription. An answer to a text that is published after it on the same transport is received.
   *
   * @throws TypeError where the subject cannot be carried.
   */
  subscribe(subject: readonly string[], listener: (text: string) => void): () => void;
  /**
   * Calls `listener` when something may have been missed: a connection is there, for the first time or again, and the server has every
   * subscription; or the server has refused something.
   */
  onGap(listener: () => void): void;
  /** Sends the texts that were published, for a second at most, and ends. No listener is called any more; publishing does nothing. */
  close(): Promise<void>;
}
