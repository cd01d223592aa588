/** The pages of the site in the order in which one reads them, by the path without its ending. */
export const sections: readonly { readonly title: string; readonly pages: readonly string[] }[] = [
  { title: "Start", pages: ["index", "mounting", "authentication", "server", "page"] },
  { title: "In your server", pages: ["express", "fastify", "next", "workers", "hooks", "groups", "http", "options"] },
  {
    title: "In your app",
    pages: ["client", "react", "element", "mui", "react-native", "recipes", "write-your-own-client"],
  },
  { title: "Push", pages: ["push", "firebase", "onesignal", "web-push", "webhook"] },
  { title: "In production", pages: ["deploying", "database", "nodes", "proxies", "scale", "performance", "security"] },
  { title: "How and why", pages: ["design", "protocol", "spec", "proof"] },
  { title: "The repository", pages: ["architecture", "contributing", "publishing"] },
];
