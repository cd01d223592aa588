import { expect, test } from "bun:test";
import { createReceiver, type ReceiverOptions } from "../../src/client/receiver.ts";
import type { Welcome } from "../../src/client/link/contract.ts";
import { createSource } from "../../src/client/readable.ts";

const nothing = (): void => {};
const welcome = { level: 2, history: "h", limits: { textBytes: 4_000, sendWindow: 64 } } as Welcome;

/** A receiver whose device stands at `place.cursor`; `fresh` tells for each connection that caught up whether the device knew nothing. */
function receive() {
  const place: { cursor: string | null } = { cursor: null };
  const fresh: boolean[] = [];
  let caughtUp = nothing;
  const part = { begin: nothing, end: nothing };
  const options = {
    life: { position: () => ({ device: "d", level: 2, cursor: place.cursor }), goesOn: () => true },
    ...{ sender: part, outbox: part, list: part, relations: part, wishes: part, typing: part, presence: part },
    link: { caughtUp: nothing },
    surroundings: { on: () => nothing, isVisible: () => true },
    textBytesMax: createSource(0, { onFault: nothing }),
    inbox: (call: () => void) => {
      caughtUp = call;
      return { ...part, take: nothing };
    },
    onCaughtUp: (isFresh: boolean) => void fresh.push(isFresh),
    ...{ onShown: nothing, onLeaving: nothing },
  } as unknown as ReceiverOptions;
  return { place, fresh, receiver: createReceiver(options), caughtUp: () => caughtUp() };
}

test("J8 a device whose first connection ends before it has caught up is still new to the next one", () => {
  const { place, fresh, receiver, caughtUp } = receive();
  receiver.welcome(welcome);
  place.cursor = "1";
  receiver.down();
  receiver.welcome(welcome);
  caughtUp();
  receiver.down();
  receiver.welcome(welcome);
  caughtUp();
  expect(fresh).toEqual([true, false]);
});
