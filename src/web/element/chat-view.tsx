import type { ReactNode } from "react";
import type { Client, Target } from "../../client/index.ts";
import { Tidings } from "../../react/index.ts";
import { ChatFrame } from "../chat-frame.tsx";
import { frameParts } from "../frame-parts.tsx";
import { type Surface, SurfaceProvider, type View } from "../surface.tsx";

type ChatViewProps = {
  readonly client: Client;
  readonly surface: Surface;
  readonly view: View;
  readonly target: Target | null;
  readonly takesFocus: boolean;
};

/** What an element shows. */
export const ChatView = ({ client, surface, ...shown }: ChatViewProps): ReactNode => (
  <Tidings client={client}>
    <SurfaceProvider value={surface}>
      <ChatFrame {...shown} parts={frameParts} seq={null} />
    </SurfaceProvider>
  </Tidings>
);

export const SignedOut = (): ReactNode => (
  <div id="app">
    <p className="nothing" role="status">
      You are signed out.
    </p>
  </div>
);
