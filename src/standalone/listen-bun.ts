import { bun } from "../adapter/bun.ts";
import type { Listen } from "./listener.ts";

/** Listens through `Bun.serve`. */
export const listenOnBun: Listen = async (chat, options) => {
  const server = Bun.serve(bun(chat, options));
  return { port: server.port ?? options.port, stop: () => server.stop(true) };
};
