import type { ReactNode } from "react";
import type { PageParts } from "./chat-page.tsx";

const Nothing = (): null => null;

/** The script with the client could not be loaded: there is no network, or a new release. */
const Broken = (): ReactNode => (
  <div id="broken" className="line" role="alert">
    <span>The page could not be loaded completely: nothing can be sent.</span>
    <button type="button" className="plain" onClick={() => location.reload()}>
      Try again
    </button>
  </div>
);

/** What the page has around its first messages where it cannot have the client. */
export const brokenParts: PageParts = {
  StatusLine: Broken,
  ...{ People: Nothing, Shortcuts: Nothing, Head: Nothing, Surroundings: Nothing },
};
