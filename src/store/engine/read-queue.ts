import type { ResultSet } from "@libsql/client/web";
import type { Batch } from "./remote-client.ts";

export type ReadQueueOptions = {
  /** Sends one request; rejects where nothing is known. */
  readonly ask: (batch: Batch) => Promise<ResultSet[]>;
  /** Whether the database itself has refused it: then one of those that went together is to blame, and the others are not. */
  readonly isAnswer: (error: unknown) => boolean;
  readonly atOnceMax: number;
  /** In one request, where several reads go together. */
  readonly statementsMax: number;
};

type Waiting = {
  readonly batch: Batch;
  readonly resolve: (results: ResultSet[]) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Reads of a server, so many requests at a time. A request costs a server some twenty times what a statement in it does, so whatever waits
 * meanwhile goes together into the next one, on one snapshot.
 */
export function createReadQueue({ ask, isAnswer, atOnceMax, statementsMax }: ReadQueueOptions) {
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

  /** The first, and as many behind it as fit. */
  function take(): readonly Waiting[] {
    let statements = 0;
    let count = 0;
    for (const { batch } of waiting) {
      statements += batch.length;
      if (count > 0 && statements > statementsMax) break;
      count++;
    }
    const part = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return part;
  }

  async function send(part: readonly Waiting[]): Promise<void> {
    try {
      const results = await ask(part.flatMap(({ batch }) => batch));
      let at = 0;
      for (const { batch, resolve } of part) resolve(results.slice(at, (at += batch.length)));
    } catch (error) {
      if (part.length > 1 && isAnswer(error)) for (const one of part) await send([one]);
      else for (const { reject } of part) reject(error);
    }
  }

  return (batch: Batch): Promise<ResultSet[]> =>
    new Promise((resolve, reject) => {
      waiting.push({ batch, resolve, reject });
      pump();
    });
}
