import { deadline } from "./deadline.ts";

/** Waits until a program answers 200 at an address; false once it has exited, or does not answer in time. */
export async function isServing(url: string, program: () => Bun.Subprocess): Promise<boolean> {
  const end = Date.now() + deadline.processMs;
  while (Date.now() < end && program().exitCode === null && program().signalCode === null) {
    const signal = AbortSignal.timeout(deadline.answerMs);
    const response = await fetch(url, { signal }).catch(() => null);
    if (response?.status === 200) return true;
    await Bun.sleep(20);
  }
  return false;
}
