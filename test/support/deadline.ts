/**
 * A test that waits this long reports a hang. These times are not about speed: each is at least ten times as long as the wait takes
 * alone on two slow cores, and a passing test never waits so long. The inner deadlines are shorter than the outer ones, so that the
 * error of a hanging test names its wait.
 *
 * Times that the product promises (a heartbeat, five seconds for a message, one second for an empty `changes`) do not belong here. Test them
 * with a fake clock, or compare with something else in the same run.
 */
export const deadline = {
  /** One answer of a running program: a frame, a status, a line of the log. It takes milliseconds, or 5 s where a poll finds it. */
  answerMs: 60_000,
  /** The start of a program, until it serves, or its end. It takes up to 3 s (Deno). */
  processMs: 90_000,
  /** In a run with a planted bug, which is expected to hang: this is shorter than for a run that is to pass. */
  plantedMs: 10_000,
  /** In such a run that only needs the one failing test. It takes up to 0.2 s. */
  firstFailureMs: 3_000,
  /** Many things at once: a long history, thousands of answers, a crowd that reconnects, a node that takes over. It takes up to 15 s. */
  bulkMs: 180_000,
  /** A whole test without a deadline of its own. The longest takes about 20 s. */
  testMs: 300_000,
} as const;
