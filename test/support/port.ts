/**
 * Below the ports that the system gives to listeners without a port and to outgoing connections: a server that is killed and started again
 * finds its own port still free, also while other tests open thousands of connections.
 */
const first = 12_000;
const portsEach = 20;
const processes = 1_000;

const own = first + (process.pid % processes) * portsEach;
let taken = 0;

/** A free port of 127.0.0.1 from this process's own range; each has its turn. */
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
