/** Bounds what a connection may have waiting by how many others have something waiting. */
export type SendWindow = ReturnType<typeof createSendWindow>;

/**
 * How many sends of one connection may wait for their commit: the window alone, or, where many senders press, so many
 * that all that wait fit into one commit together. The next sender then waits for one commit, however many flood; who
 * has more to send is not read until what it sent is answered.
 */
export function createSendWindow({ windowMax, sendsMax }: { readonly windowMax: number; readonly sendsMax: number }) {
  let senders = 0;

  return {
    enter: (): void => void senders++,
    leave: (): void => void senders--,
    /** What one of them may have waiting now; never less than one, so that everybody gets on. */
    sends: (): number => Math.max(1, Math.min(windowMax, Math.floor(sendsMax / Math.max(1, senders)))),
    senders: (): number => senders,
  };
}
