/** The files of docs/examples/apps: a separate folder, because they need packages that this repository does not have. */
export const appFiles = [
  "express",
  "fastify",
  "next-chat",
  "next-route",
  "next-sockets",
  "next-instrumentation",
  "worker",
] as const;
export type AppFile = (typeof appFiles)[number];
