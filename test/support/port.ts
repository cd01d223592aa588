/**
 * Below those that the system gives to whoever asks for any port, or connects to somebody: a server that is killed and started again finds its
 * own still free, also while other tests open thousands of connections.
 */
const first = 12_000;
const portsEach = 20;
const processes = 1_000;

const own = first + (process.pid % processes) * portsEach;
let taken = 0;

/** A port of 127.0.0.1 that nobody listens at, of those that are this process' own; each has its turn. */
export function freePort(): number {
  for (let i = 0; i < portsEach; i++) {
    const port = own + (taken++ % portsEach);
    if (isFree(port)) return port;
  }
  throw new Error(`All ports from ${own} to ${own + portsEach - 1} are in use`);
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
