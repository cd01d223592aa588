import type { Feature } from "./feature.ts";
import { follow } from "./feature/follow.ts";
import { forgetting } from "./feature/forgetting.ts";
import { history } from "./feature/history.ts";
import { marks } from "./feature/marks.ts";
import { messages } from "./feature/messages.ts";
import { people } from "./feature/people.ts";
import { push } from "./feature/push.ts";
import { restores } from "./feature/restores.ts";
import { trouble } from "./feature/trouble.ts";
import { revocations } from "./feature/revocations.ts";
import { settings } from "./feature/settings.ts";
import { typing } from "./feature/typing.ts";

/** Features that every world tries. */
export const usual: readonly Feature[] = [messages, marks, typing, trouble, history, people, push, follow, settings];

/**
 * Features that only some worlds try: on a server they are rare, and they change everything that holds in a world. Add a new feature here, or
 * above.
 */
export const rare: readonly Feature[] = [restores, revocations, forgetting];

export const features: readonly Feature[] = [...usual, ...rare];
