import type { Thread } from "../client/index.ts";
import { createSource, type Readable } from "../client/readable.ts";

/** The threads that were opened since the page was loaded, by the name of the other user: the list shows what waits in them. */
export type OpenThreads = Readable<ReadonlyMap<string, Thread>> & { add(name: string, thread: Thread): void };

export function createOpenThreads(): OpenThreads {
  const all = createSource<ReadonlyMap<string, Thread>>(new Map(), { onFault: (fault) => console.error(fault) });
  return {
    ...all,
    add(name, thread) {
      if (all.get().get(name) !== thread) all.set(new Map([...all.get(), [name, thread]]));
    },
  };
}
