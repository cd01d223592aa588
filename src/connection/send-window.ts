/**
 * The number of sends of one connection that may wait for their commit: the whole window, or, while many connections send, their equal part of
 * one commit. The sends of the next connection then wait for one commit only, however many others flood; a connection that has more to send is
 * not read until its sends are answered.
 */
export type SendWindow = {
  /** A connection has unanswered frames. */
  enter(): void;
  /** It has none any more. */
  leave(): void;
  /** The number of sends that one connection may have waiting now; at least one, so that each makes progress. */
  sends(): number;
  /** The number of connections with unanswered frames. */
  senders(): number;
};

export function createSendWindow(bounds: { readonly windowMax: number; readonly sendsMax: number }): SendWindow {
  const { windowMax, sendsMax } = bounds;
  let senders = 0;

  return {
    enter: () => void senders++,
    leave: () => void senders--,
    sends: () => Math.max(1, Math.min(windowMax, Math.floor(sendsMax / Math.max(1, senders)))),
    senders: () => senders,
  };
}
