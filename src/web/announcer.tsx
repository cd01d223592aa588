import { type ReactNode, useEffect, useState } from "react";
import type { Thread } from "../client/index.ts";
import { useClient } from "../react/index.ts";
import { previewOf } from "./text.ts";

/** Messages that come within this time are told together. */
const gatherMs = 700;

/** Tells a screen reader what comes into the open conversation; never what was loaded of its history. */
export function Announcer({ thread, peer }: { readonly thread: Thread; readonly peer: string }): ReactNode {
  const client = useClient();
  const [said, setSaid] = useState("");
  useEffect(() => {
    let texts: string[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (): void => {
      timer = undefined;
      setSaid(texts.length === 1 ? `${peer}: ${texts[0]}` : `${texts.length} new messages from ${peer}`);
      texts = [];
    };
    const end = client.on("message", ({ conversation, text }) => {
      if (conversation !== thread.state.get().conversation) return;
      texts = [...texts, previewOf(text)];
      timer ??= setTimeout(tell, gatherMs);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [client, thread, peer]);
  return (
    <p id="announcer" className="hidden" role="status">
      {said}
    </p>
  );
}
