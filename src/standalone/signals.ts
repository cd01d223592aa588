type Signal = "SIGTERM" | "SIGINT";

/** Before the server starts there is nothing to shut down: exit at once. */
let obey = (_signal: Signal): void => process.exit(0);

/** The handlers are set first: process 1 of a container ignores a signal that it has no handler for. */
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => obey(signal));

/** Sets the task of a signal from now on, in place of ending the process. */
export function onSignal(task: (signal: Signal) => void): void {
  obey = task;
}
