import type { BacklogSize } from "./backlog.ts";
import type { FloodSize } from "./flood.ts";
import { deadline } from "../../support/deadline.ts";

const wanted = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** A few seconds of it: waits are short, and the providers are well at the end, so that no run of refusals takes its time. */
export const smallFlood: FloodSize = {
  users: 90,
  messages: 800,
  senders: 8,
  floodMs: 2_000,
  crashes: 3,
  limits: { pushActiveDelayMs: 300, pushRetryMs: 100, pushRetryMsMax: 400 },
  healsMs: 1_500,
  settledMsMax: deadline.bulkMs,
  times: 5,
};

/** As the promise has it; retries wait 5 s at most, so that the last ones end. */
export const fullFlood: FloodSize = {
  users: wanted("FLOOD_USERS", 10_000),
  messages: wanted("FLOOD_MESSAGES", 100_000),
  senders: 40,
  floodMs: wanted("FLOOD_MS", 60_000),
  crashes: wanted("FLOOD_CRASHES", 5),
  limits: { pushRetryMsMax: 5_000 },
  healsMs: Infinity,
  settledMsMax: 600_000,
};

export const smallBacklog: BacklogSize = { users: 250, messages: 2_500, senders: 8 };

export const fullBacklog: BacklogSize = {
  users: wanted("FLOOD_USERS", 10_000),
  messages: wanted("FLOOD_MESSAGES", 100_000),
  senders: 40,
};
