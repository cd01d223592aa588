import { afterEach } from "bun:test";

/** `start`, whose results are stopped after each test of the file that calls this, the newest first. */
export function stoppedAfterEach<Options extends unknown[], Started extends { stop(): Promise<unknown> }>(
  start: (...options: Options) => Promise<Started>,
): (...options: Options) => Promise<Started> {
  const running: Started[] = [];
  afterEach(async () => {
    for (const started of running.splice(0).toReversed()) await started.stop();
  });
  return async (...options) => {
    const started = await start(...options);
    running.push(started);
    return started;
  };
}
