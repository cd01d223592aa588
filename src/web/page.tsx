import { createRoot } from "react-dom/client";
import { deferred } from "../internal/deferred.ts";
import { routeOf } from "./address.ts";
import { ChatPage } from "./chat-page.tsx";
import { dayNamesIn } from "./day.ts";
import type { Identity } from "./last-identity.ts";
import { type Auth, begin, openClient, type Start } from "./session.ts";
import { Notice, StartForm } from "./start-form.tsx";

const days = dayNamesIn();
const root = createRoot(document.querySelector("#root") ?? document.body);

/** How long the page may stay empty. */
const emptyMsMax = 60;
/** After this long a drawing counts as seen. */
const hiddenMs = 200;

/** Where the keyboard covers the page (iOS), the page gets the height of the part that is visible. */
function followKeyboard(): void {
  const viewport = window.visualViewport;
  viewport?.addEventListener("resize", () => {
    if (viewport.scale !== 1) return;
    document.documentElement.style.setProperty("--height", `${viewport.height}px`);
    scrollTo(0, 0);
  });
}

/** Calls `then` at the first call of a listener, or when that takes longer than a page may stay empty. */
function whenFirst(subscribe: (listener: () => void) => () => void, then: () => void): void {
  const end = (): void => {
    clearTimeout(timer);
    unsubscribe();
    then();
  };
  const timer = setTimeout(end, emptyMsMax);
  const unsubscribe = subscribe(end);
}

async function main(auth: Auth): Promise<void> {
  show(await begin(auth), auth);
}

function show(start: Start, auth: Auth): void {
  const again = (): void => void main(auth);
  switch (start.view) {
    case "chat":
      return openChat(auth, start.identity);
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

/** The whole page is drawn once, with the messages of the open conversation; until they are here it stays empty for a moment. */
function openChat(auth: Auth, identity: Identity): void {
  const { promise: drawn, resolve } = deferred<void>();
  const client = openClient(auth, { ...identity, drawn });
  const draw = (): void => {
    root.render(<ChatPage client={client} auth={auth} identity={identity} days={days} />);
    // A frame may be far in a page that nobody sees.
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, hiddenMs);
  };
  client.retain();
  const { target } = routeOf(location.search, identity.user);
  if (target === null) draw();
  else whenFirst(client.thread(target).state.subscribe, draw);
}

followKeyboard();
void main(document.documentElement.dataset["auth"] === "jwt" ? "jwt" : "demo");
