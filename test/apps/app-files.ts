/** The files of docs/examples/apps, which need packages that this repository has not, and so are in a folder of their own. */
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
