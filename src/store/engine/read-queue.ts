import type { ResultSet } from "@libsql/client/web";
import type { Batch } from "./remote-client.ts";

export type ReadQueueOptions = {
  /** Sends one request and waits for its answer until `end`; rejects where there is none. */
  readonly ask: (batch: Batch, end: number) => Promise<ResultSet[]>;
  /** Whether the database itself has refused it: then only one of the reads that went together is at fault. */
  readonly isOnesOwn: (error: unknown) => boolean;
  readonly atOnceMax: number;
  /** In one request, where several reads go together. */
  readonly statementsMax: number;
};

type Waiting = {
  readonly batch: Batch;
  readonly end: number;
  readonly isSeparate: boolean;
  readonly resolve: (results: ResultSet[]) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Reads of a server, with a limit on concurrent requests. A request costs a server about twenty times as much as a statement in it, so reads that
 * wait go together into the next request, on one snapshot. Reads that the database refuses together are repeated one by one.
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
    for (const { batch, isSeparate } of waiting) {
      statements += batch.length;
      if (count > 0 && (isSeparate || statements > statementsMax)) break;
      count++;
      if (isSeparate) break;
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
        waiting = [...part.map((one) => ({ ...one, isSeparate: true })), ...waiting];
      else for (const { reject } of part) reject(error);
    }
  }

  return {
    read: (batch: Batch, end: number): Promise<ResultSet[]> =>
      new Promise((resolve, reject) => {
        waiting.push({ batch, end, isSeparate: false, resolve, reject });
        pump();
      }),
    /** Rejects all reads that wait. */
    close(error: Error): void {
      for (const { reject } of waiting) reject(error);
      waiting = [];
    },
  };
}
