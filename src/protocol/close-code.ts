/** The reasons for closing a socket. 4000–4499: reconnect; 4500–4999: do not. */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  tooBig: 1009,
  storeFailed: 1011,
  restart: 1012,
  badFrames: 4400,
  sessionEnded: 4401,
  heartbeatMissed: 4408,
  tooSlow: 4413,
  rateLimited: 4429,
  banned: 4501,
} as const;
