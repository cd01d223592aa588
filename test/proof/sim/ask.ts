import type { Chance } from "./chance.ts";
import type { SimDevice } from "./device.ts";
import type { World } from "./world.ts";

const lookMs = 250;

export type Asked = { readonly status: number; readonly body: unknown };

export type AskOptions = {
  readonly body?: object;
  readonly method?: string;
  /** Statuses that count as no answer: the request may end with them though nothing is wrong. */
  readonly endings?: readonly number[];
};

/** Sends a request to a node as a device's user. Null: no answer came, or the node was down, which any client must expect. */
export async function ask(
  world: World,
  chance: Chance,
  { tenant, user, owner }: SimDevice,
  path: string,
  { body, method = body ? "POST" : "GET", endings = [] }: AskOptions = {},
): Promise<Asked | null> {
  const node = world.pickNode(chance);
  if (!node) return null;
  const generation = world.histories.generation();
  const request = new Request(`http://sim${path}`, {
    method,
    headers: { "x-tenant": tenant, "x-user": user, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  let isAnswered = false;
  // A process that dies meanwhile never answers. A living one may still carry out the request, so wait for its answer.
  const death = async (): Promise<null> => {
    while (!isAnswered && !node.process.isDead()) await world.timeline.sleep(lookMs);
    return null;
  };
  const answer = await Promise.race([node.chat.fetch(request), death()]);
  isAnswered = true;
  if (answer === null) return null;
  const text = await answer.text();
  if (node.process.isDead() || answer.status === 503 || endings.includes(answer.status)) return null;
  // A restore came meanwhile: it may have removed the history that the answer belongs to.
  if (world.histories.generation() !== generation) return null;
  // It may have existed only in an earlier history.
  const isGone = answer.status === 404 && generation > 0;
  const isBlocked = answer.status === 403 && text.includes('"blocked"');
  if (answer.status >= 400 && !isBlocked && !isGone)
    world.problem("Q3", `${owner} asked ${method} ${path} and was answered ${answer.status} ${text}`);
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}
