import { join } from "node:path";
import type { Operations, Reply } from "./crowd-process.ts";

type Input<Name extends keyof Operations> = Parameters<Operations[Name]>[0];
type Answer<Name extends keyof Operations> = Awaited<ReturnType<Operations[Name]>>;

/** A crowd of clients in another process: their cost is not measured with the server's, and they can be stopped as a whole. */
export type Crowd = Awaited<ReturnType<typeof startCrowd>>;

const callMsMax = 300_000;

export async function startCrowd() {
  const calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "crowd-process.ts")], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc({ number, answer, error }: Reply) {
      const call = calls.get(number);
      calls.delete(number);
      if (error !== undefined) call?.reject(new Error(error));
      else call?.resolve(answer as never);
    },
  });
  void child.exited.then((code) => {
    for (const { reject } of calls.values()) reject(new Error(`The crowd ended with ${code}`));
  });

  return {
    pid: child.pid,
    call<Name extends keyof Operations>(name: Name, input: Input<Name>): Promise<Answer<Name>> {
      return new Promise((resolve, reject) => {
        const number = ++last;
        const timer = setTimeout(() => reject(new Error(`The crowd did not ${name} in time`)), callMsMax);
        calls.set(number, {
          resolve: (value) => {
            clearTimeout(timer);
            resolve(value);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
        child.send({ number, name, input });
      });
    },
    /** Stops or continues all of them at once. */
    signal: (signal: "SIGSTOP" | "SIGCONT"): void => child.kill(signal),
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
