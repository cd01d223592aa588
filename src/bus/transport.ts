/**
 * How nodes tell each other things. All of it is hints: what is told may come late, twice, out of order or never.
 *
 * A subject is what a hint is about, from the general to the particular: texts that are not empty and are well-formed, such as a
 * fixed word, a tenant, a user. Subjects are the same only where all their parts are, to the letter. One that cannot be
 * carried (`isSubject` says so) is a mistake in the program.
 */
export interface Transport {
  /**
   * Tells every other node that has subscribed to this subject; never this one. Returns at once and never throws: what cannot go
   * out now, because there is no connection, too much waits already, or the text is too large, is dropped.
   */
  publish(subject: readonly string[], text: string): void;
  /**
   * Calls `listener` with what other nodes publish there; answers how to end it, after which it is not called again. Any number of
   * listeners for one subject share one subscription. Whoever answers to what is published after it on the same transport is heard.
   *
   * @throws TypeError where the subject cannot be carried.
   */
  subscribe(subject: readonly string[], listener: (text: string) => void): () => void;
  /**
   * Calls `listener` when something may have been missed: a connection is there, for the first time or again, and every
   * subscription stands; or the server has refused something.
   */
  onGap(listener: () => void): void;
  /** Lets what was published go out, for a second at most, and ends. No listener is called any more; publishing does nothing. */
  close(): Promise<void>;
}
