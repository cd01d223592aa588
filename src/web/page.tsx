import { createRoot } from "react-dom/client";
import { routeOf } from "./address.ts";
import { ChatPage } from "./chat-page.tsx";
import { dayNamesIn } from "./day.ts";
import { type Auth, begin, openClient, type Start } from "./session.ts";
import { Notice, StartForm } from "./start-form.tsx";

const days = dayNamesIn();
const root = createRoot(document.querySelector("#root") ?? document.body);

/** Where the keyboard covers the page (iOS), the page gets the height of the part that is visible. */
function followKeyboard(): void {
  const viewport = window.visualViewport;
  viewport?.addEventListener("resize", () => {
    if (viewport.scale !== 1) return;
    document.documentElement.style.setProperty("--height", `${viewport.height}px`);
    scrollTo(0, 0);
  });
}

async function main(auth: Auth): Promise<void> {
  show(await begin(auth), auth);
}

function show(start: Start, auth: Auth): void {
  const again = (): void => void main(auth);
  switch (start.view) {
    case "chat": {
      const client = openClient(auth, start.identity);
      client.retain();
      // What takes time is done after the first requests have gone out, while the server answers.
      const { target } = routeOf(location.search, start.identity.user);
      if (target !== null) client.thread(target);
      setTimeout(() => {
        root.render(<ChatPage client={client} auth={auth} identity={start.identity} days={days} />);
        days.prepare();
      });
      return;
    }
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

followKeyboard();
void main(document.documentElement.dataset["auth"] === "jwt" ? "jwt" : "demo");
