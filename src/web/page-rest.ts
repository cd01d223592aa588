/** What the page needs beside its first messages: the client, and all that is around the open thread. It is a script of its own. */
import type { PageParts } from "./chat-page.tsx";
import { frameParts } from "./frame-parts.tsx";
import { Head, Surroundings } from "./surroundings.tsx";

export { openClient } from "./user-session.ts";

export const pageParts: PageParts = { ...frameParts, Head, Surroundings };
