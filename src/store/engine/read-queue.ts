import type { ResultSet } from "@libsql/client/web";
import type { Batch } from "./remote-client.ts";

export type ReadQueueOptions = {
  /** Sends one request, whose answer is waited for until `end`; rejects where nothing is known. */
  readonly ask: (batch: Batch, end: number) => Promise<ResultSet[]>;
  /** Whether the database itself has refused it: then one of those that went together is to blame, and the others are not. */
  readonly isOnesOwn: (error: unknown) => boolean;
  readonly atOnceMax: number;
  /** In one request, where several reads go together. */
  readonly statementsMax: number;
};

type Waiting = {
  readonly batch: Batch;
  readonly end: number;
  readonly isAlone: boolean;
  readonly resolve: (results: ResultSet[]) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Reads of a server, so many requests at a time. A request costs a server some twenty times what a statement in it does, so whatever waits
 * meanwhile goes together into the next one, on one snapshot. What the database refuses is asked for again one by one.
 */
export function createReadQueue({ ask, isOnesOwn, atOnceMax, statementsMax }: ReadQueueOptions) {
  let waiting: Waiting[] = [];
  let underWay = 0;

  function pump(): void {
    while (underWay < atOnceMax && waiting.length > 0) {
      const part = take();
      underWay++;
      void send(part).finally(() => {
        underWay--;
        pump();
      });
    }
  }

  /** The first, and as many behind it as may go with it. */
  function take(): readonly Waiting[] {
    let statements = 0;
    let count = 0;
    for (const { batch, isAlone } of waiting) {
      statements += batch.length;
      if (count > 0 && (isAlone || statements > statementsMax)) break;
      count++;
      if (isAlone) break;
    }
    const part = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return part;
  }

  async function send(part: readonly Waiting[]): Promise<void> {
    const batch = part.flatMap((one) => one.batch);
    try {
      const results = await ask(batch, Math.max(...part.map(({ end }) => end)));
      let at = 0;
      for (const one of part) one.resolve(results.slice(at, (at += one.batch.length)));
    } catch (error) {
      if (part.length > 1 && isOnesOwn(error))
        waiting = [...part.map((one) => ({ ...one, isAlone: true })), ...waiting];
      else for (const { reject } of part) reject(error);
    }
  }

  return {
    read: (batch: Batch, end: number): Promise<ResultSet[]> =>
      new Promise((resolve, reject) => {
        waiting.push({ batch, end, isAlone: false, resolve, reject });
        pump();
      }),
    /** Whatever waits is not asked for any more. */
    close(error: Error): void {
      for (const { reject } of waiting) reject(error);
      waiting = [];
    },
  };
}
