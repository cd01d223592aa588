import { type ReactNode } from "react";
import type { Client, Status, StorageState } from "../client/index.ts";
import { useClient, useStatus, useStorage } from "../react/index.ts";
import { useCountdown, useIsLate } from "./hooks.ts";
import { type Surface, useSurface } from "./surface.tsx";

/** A connection that is back by then is not worth a line. */
const lateMs = 700;

type Waiting = Extract<Status, { state: "waiting" }>["reason"];

const waitTexts: Readonly<Record<Waiting, string>> = {
  network: "Offline",
  foreign: "There is no chat at this address: are you signed in to this network?",
  offline: "Your device is offline: messages are sent later",
  busy: "The server is full",
  rate: "Too many requests",
  server: "The server is not ready",
  storage: "This browser cannot store anything now",
};

const storageTexts: Readonly<Partial<Record<StorageState["kind"], string>>> = {
  memory: "This browser keeps nothing: what you write is gone when the page is closed before it is sent.",
  stalled: "This browser’s storage does not answer. Leave the page open until everything is sent.",
  full: "This browser’s storage is full: new messages are not kept here.",
  lost: "This browser has deleted its copy of your messages. They are being fetched again.",
};

type Line = { readonly text: string; readonly action?: { readonly name: string; readonly run: () => void } };

type LineOptions = { readonly client: Client; readonly onOtherUser: Surface["onOtherUser"] };

function lineOf(status: Status, { client, onOtherUser }: LineOptions): Line {
  const again = { name: "Try now", run: client.retry };
  switch (status.state) {
    case "waiting":
      return { text: waitTexts[status.reason], action: again };
    case "connecting":
    case "idle":
      return { text: "Connecting…" };
    case "catching-up":
      return { text: "Getting new messages…" };
    case "unauthenticated":
      return status.reason === "identity"
        ? {
            text: "You are signed in as somebody else now.",
            ...(onOtherUser !== null && { action: { name: "Continue as them", run: onOtherUser } }),
          }
        : {
            text: status.reason === "signed-out" ? "You are signed out." : "The server refuses your sign-in.",
            action: { name: "Try again", run: client.retry },
          };
    case "ended":
      return {
        text: `The server closed the connection for good: ${status.reason || status.code}`,
        action: { name: "Try again", run: client.retry },
      };
    case "asleep":
    case "online":
      return { text: "Online" };
    case "closed":
      return { text: "Closed" };
  }
}

/** How the connection and the storage are, while something is wrong with them. A screen reader is told each change, and not the countdown. */
export function StatusLine(): ReactNode {
  const client = useClient();
  const status = useStatus();
  const storage = useStorage();
  const { onOtherUser } = useSurface();
  const { text, action } = lineOf(status, { client, onOtherUser });
  const seconds = useCountdown(status.state === "waiting" ? status.until : null);
  const isPassing = status.state === "connecting" || status.state === "catching-up" || status.state === "idle";
  const isLate = useIsLate(isPassing, lateMs);
  const isHidden = status.state === "online" || status.state === "asleep" || (isPassing && !isLate);
  return (
    <>
      <div id="status" part="status" data-state={status.state} className={isHidden ? "line hidden" : "line"}>
        <span>
          <span id="status-text" role="status">
            {text}
          </span>
          {status.state === "waiting" && status.reason !== "offline" && (
            <span id="status-wait"> – reconnecting in {seconds} s</span>
          )}
        </span>
        {action !== undefined && (
          <button id="retry" type="button" className="plain" onClick={action.run}>
            {action.name}
          </button>
        )}
      </div>
      <div id="storage" role="status" data-storage={storage.kind} className="line">
        {storageTexts[storage.kind]}
      </div>
    </>
  );
}
