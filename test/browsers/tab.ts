import { deadline } from "../support/deadline.ts";

/** A tab of a browser, as far as every engine here can be driven. */
export interface Tab {
  goto(url: string): Promise<void>;
  /** Runs an expression in the page, and answers its value as JSON carries it; a promise is awaited. */
  run<Value>(expression: string): Promise<Value>;
  /** Types into the element with the focus, by keys. `\n` is Enter. */
  type(text: string): Promise<void>;
  close(): Promise<void>;
}

/** A browser that runs. All of its tabs share one profile. */
export interface Engine {
  /** A window of its own: it stays visible beside others. */
  open(): Promise<Tab>;
  /** Errors and warnings of the consoles so far; null: this engine does not show them. */
  readonly complaints: readonly string[] | null;
  close(): Promise<void>;
}

export type EngineName = "chromium" | "firefox" | "webkit";

/** Waits until the expression has the value, and fails with the last one that it had. */
export async function until(tab: Tab, expression: string, wanted: unknown): Promise<void> {
  const end = Date.now() + deadline.answerMs;
  let found: unknown;
  do {
    // A page that is being left answers nothing.
    found = await tab.run(expression).catch((error: Error) => error.message);
    if (Bun.deepEquals(found, wanted)) return;
    await Bun.sleep(50);
  } while (Date.now() < end);
  throw new Error(`${expression} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}
