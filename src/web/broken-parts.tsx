import { type ReactNode, useState } from "react";
import type { PageParts } from "./chat-page.tsx";
import { reload } from "./reload.ts";

const Nothing = (): null => null;

/** The script with the client could not be loaded: there is no network, or a new release. */
function Broken(): ReactNode {
  const [isUnreachable, setIsUnreachable] = useState(false);
  return (
    <div id="broken" className="line" role="alert">
      <span>
        {isUnreachable ? "The server cannot be reached" : "The page could not be loaded completely"}: nothing can be
        sent.
      </span>
      <button type="button" className="plain" onClick={() => void reload().then((is) => setIsUnreachable(!is))}>
        Try again
      </button>
    </div>
  );
}

/** What the page has around its first messages where it cannot have the client. */
export const brokenParts: PageParts = {
  StatusLine: Broken,
  ...{ People: Nothing, Shortcuts: Nothing, Head: Nothing, Surroundings: Nothing },
};
