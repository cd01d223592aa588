/**
 * How long tests wait before they say that something hangs. None of them is about speed: each is at least ten times what the thing
 * takes alone on two slow cores, and a test that passes waits for none of them to end. The inner ones are shorter than the outer
 * ones, so that a test which hangs fails with the words of the wait that was in vain.
 *
 * A wait that the product promises (a heartbeat, five seconds for a message, a second for an empty `changes`) is no deadline of
 * these: it is measured by a fake clock, or against something else in the same run.
 */
export const deadline = {
  /** One answer of what runs already: a frame, a status, a line of the log. It takes milliseconds, or at most 5 s where a poll finds it. */
  answerMs: 60_000,
  /** A program that starts, until it says that it serves, or that ends after it was asked to. It takes up to 3 s (Deno). */
  processMs: 90_000,
  /** Much at once: a long history, thousands of answers, a crowd that comes back, a node that takes over. It takes up to 15 s. */
  bulkMs: 180_000,
  /** A whole test that names none of its own. The longest of these takes about 20 s. */
  testMs: 300_000,
} as const;
