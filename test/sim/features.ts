import type { Feature } from "./feature.ts";
import { history } from "./feature/history.ts";
import { marks } from "./feature/marks.ts";
import { messages } from "./feature/messages.ts";
import { people } from "./feature/people.ts";
import { push } from "./feature/push.ts";
import { trouble } from "./feature/trouble.ts";
import { typing } from "./feature/typing.ts";

/** What every world tries. A new feature is added here. */
export const features: readonly Feature[] = [messages, marks, typing, trouble, history, people, push];
