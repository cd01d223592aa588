import { createRoot } from "react-dom/client";
import type { Client, Target } from "../client/index.ts";
import { isNew } from "../client/vault/idb-notes.ts";
import { deferred } from "../internal/deferred.ts";
import { routeOf } from "./address.ts";
import { ChatPage, type PageParts } from "./chat-page.tsx";
import { afterDrawing } from "./after-drawing.ts";
import { dayNamesIn } from "./day.ts";
import { createFirstClient, type FirstClient } from "./first-client.ts";
import { readFirstPage } from "./first-page.ts";
import type { Identity } from "./last-identity.ts";
import { brokenParts } from "./broken-parts.tsx";
import { reload } from "./reload.ts";
import { type Auth, begin, type Start } from "./session.ts";
import { Notice, StartForm } from "./start-form.tsx";

const days = dayNamesIn();
const root = createRoot(document.querySelector("#root") ?? document.body);

/** How long the page may stay empty. */
const emptyMsMax = 60;
/** How long it waits for the first messages that are on their way, before it begins without them. */
const firstMsMax = 1_000;
/** How long the first messages stay while the client gets its own. */
const ownMsMax = 3_000;

/** Where the keyboard covers the page (iOS), the page gets the height of the part that is visible. */
function followKeyboard(): void {
  const viewport = window.visualViewport;
  viewport?.addEventListener("resize", () => {
    if (viewport.scale !== 1) return;
    document.documentElement.style.setProperty("--height", `${viewport.height}px`);
    scrollTo(0, 0);
  });
}

/** Resolves when `isThere`, which is asked again at each call of a listener, or when that takes too long. */
async function waitUntil(
  isThere: () => boolean,
  { subscribe, msMax }: { readonly subscribe: (listener: () => void) => () => void; readonly msMax: number },
): Promise<void> {
  const { promise, resolve } = deferred<void>();
  const unsubscribe = subscribe(() => isThere() && resolve());
  const timer = setTimeout(resolve, msMax);
  if (isThere()) resolve();
  await promise;
  clearTimeout(timer);
  unsubscribe();
}

async function main(auth: Auth): Promise<void> {
  show(await begin(auth), auth);
}

function show(start: Start, auth: Auth): void {
  const again = (): void => void main(auth);
  switch (start.view) {
    case "chat":
      return void openChat(auth, start.identity);
    case "start":
      return root.render(<StartForm problem={start.problem} />);
    case "refused":
      return root.render(<Notice title="You are not signed in" text={start.reason} onRetry={again} />);
    case "unreachable":
      return root.render(
        <Notice title="The server cannot be reached" text="Check your connection, then try again." onRetry={again} />,
      );
  }
}

/** The open conversation is drawn at once where its first messages came early, then the whole page with the client, which is a script of its own. */
async function openChat(auth: Auth, identity: Identity): Promise<void> {
  const { promise: drawn, resolve } = deferred<void>();
  const draw = (client: Client, parts: PageParts | null): void => {
    root.render(<ChatPage {...{ client, auth, identity, days, parts }} />);
    afterDrawing(resolve);
  };
  const { target, seq } = routeOf(location.search);
  const first = target === null || seq !== null ? null : await openFirst({ auth, identity, target });
  const leave = (): void => first?.leave();
  addEventListener("pagehide", leave);
  if (first !== null) {
    draw(first.client, null);
    await drawn;
  }
  const rest = await import("./page-rest.ts").catch(report);
  if (rest === null) {
    if (first !== null) return draw(first.client, brokenParts);
    return root.render(
      <Notice
        title="The page cannot be loaded"
        text="Check your connection, then try again."
        onRetry={() => void reload()}
      />,
    );
  }
  const client = rest.openClient(auth, { ...identity, drawn });
  client.retain();
  if (target !== null) {
    const { subscribe, get } = client.thread(target).state;
    const begun = get();
    const isKnown = (): boolean =>
      first === null ? get() !== begun : get().rows.length > 0 || get().before === "unreachable";
    await waitUntil(isKnown, { subscribe, msMax: first === null ? emptyMsMax : ownMsMax });
  }
  removeEventListener("pagehide", leave);
  first?.handOver(client);
  draw(client, rest.pageParts);
}

function report(fault: unknown): null {
  console.error(fault);
  return null;
}

type FirstOptions = { readonly auth: Auth; readonly identity: Identity; readonly target: Target };

/** Null: this device may have messages itself, or none came early. */
async function openFirst({ auth, identity, target }: FirstOptions): Promise<FirstClient | null> {
  const { user, tenant } = identity;
  if (!isNew({ url: location.origin, tenant: tenant ?? "default", user })) return null;
  const parameters = auth === "demo" ? identity : {};
  const late = new Promise<null>((resolve) => void setTimeout(resolve, firstMsMax, null));
  const state = await Promise.race([readFirstPage({ self: user, target, parameters }).catch(report), late]);
  return state && createFirstClient({ identity, target, state });
}

followKeyboard();
void main(document.documentElement.dataset["auth"] === "jwt" ? "jwt" : "demo");
