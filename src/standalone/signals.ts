type Signal = "SIGTERM" | "SIGINT";

/** Until the server has begun there is nothing to shut down. */
let obey = (_signal: Signal): void => process.exit(0);

/** As the first process of a container one that has no handler yet would not be ended by a signal at all. */
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => obey(signal));

/** What a signal does from now on, in place of ending the process. */
export function onSignal(task: (signal: Signal) => void): void {
  obey = task;
}
