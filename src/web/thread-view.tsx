import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { Target, Thread, ThreadRow } from "../client/index.ts";
import { useClient, usePresence, useReadable, useThread, useThreadState, useTyping } from "../react/index.ts";
import { Announcer } from "./announcer.tsx";
import { Composer } from "./composer.tsx";
import { useToday } from "./hooks.ts";
import { Avatar, Icon } from "./icon.tsx";
import { Log } from "./log.tsx";
import { Menu, type MenuItem } from "./menu.tsx";
import type { OpenThreads } from "./open-threads.ts";
import type { Scroller } from "./scroller.tsx";
import { Go, useSurface } from "./surface.tsx";
import { titleOf } from "./title.ts";

type ThreadViewProps = {
  readonly target: Target;
  readonly seq: number | null;
  readonly threads: OpenThreads;
  /** True: it is beside or above the list, and leads back to it. */
  readonly hasList: boolean;
  /** True: the field takes the focus when the thread is opened. */
  readonly takesFocus: boolean;
};

/** The open conversation. Each has an instance of its own, so that nothing of one is ever in another. */
export function ThreadView({ target, seq, threads, hasList, takesFocus }: ThreadViewProps): ReactNode {
  const { isPage } = useSurface();
  const thread = useThread(target);
  const peer = usePeer(target, thread);
  const [editing, setEditing] = useState<ThreadRow | null>(null);
  const scroller = useRef<Scroller>(null);
  const isBlocked = useRelation(peer, "blocked");
  const client = useClient();
  const isNotes = peer === client.user;
  const title = titleOf(peer, client.user);
  useEffect(() => {
    if ("with" in target) threads.add(target.with, thread);
  }, [threads, target, thread]);
  // The page has one main part; an element is a part of somebody's page.
  const Part = isPage ? "main" : "section";
  const onSent = useCallback(() => scroller.current?.toNewest(), []);
  return (
    <Part id="chat" part="thread">
      <header id="peer" part="header">
        {hasList && (
          <Go to={null} id="back" className="plain round" aria-label="Back to the conversations">
            <Icon name="back" />
          </Go>
        )}
        <Avatar name={peer} />
        <div>
          <h2 id="peer-name" dir="auto">
            {title}
          </h2>
          {isNotes || <About thread={thread} peer={peer} isBlocked={isBlocked} />}
        </div>
        {isNotes || <ThreadMenu thread={thread} peer={peer} isBlocked={isBlocked} />}
      </header>
      <div id="view">
        <Log key={seq} {...{ thread, peer, sought: seq, scroller, onEdit: setEditing }} />
      </div>
      <Announcer thread={thread} peer={peer} />
      {isBlocked ? (
        <div id="blocked">
          <p>You have blocked {peer}.</p>
          <button type="button" className="second" onClick={() => client.setBlocked(peer, false)}>
            Unblock
          </button>
        </div>
      ) : (
        <Composer {...{ thread, title, editing, takesFocus, onEdit: setEditing, onSent }} />
      )}
    </Part>
  );
}

/** The name of the other user; the conversation's until it is known. */
function usePeer(target: Target, thread: Thread): string {
  const known = useReadable({ subscribe: thread.state.subscribe, get: () => thread.state.get().with }, null);
  return "with" in target ? target.with : (known ?? target.conversation);
}

/** Whether the other user is a contact, or blocked. */
function useRelation(peer: string, kind: "contact" | "blocked"): boolean {
  const { relations } = useClient();
  const get = (): boolean => relations.get().some((one) => one.user === peer && one[kind]);
  return useReadable({ subscribe: relations.subscribe, get }, false);
}

type AboutProps = { readonly thread: Thread; readonly peer: string; readonly isBlocked: boolean };

function About({ thread, peer, isBlocked }: AboutProps): ReactNode {
  const { state, lastSeen } = usePresence(peer);
  const isTyping = useTyping(thread).length > 0;
  const today = useToday();
  const { days } = useSurface();
  const presence = state === "online" ? "online" : lastSeen === undefined ? "" : days.lastSeen(lastSeen, today);
  return (
    <p>
      <span id="typing">{isTyping && "typing…"}</span>
      {!isTyping && !isBlocked && <span id="presence">{presence}</span>}
    </p>
  );
}

const eightHoursMs = 8 * 3_600_000;

function ThreadMenu({ thread, peer, isBlocked }: AboutProps): ReactNode {
  const client = useClient();
  const { conversation, isMuted } = useThreadState(thread);
  const isContact = useRelation(peer, "contact");
  const mute: MenuItem[] =
    conversation === null
      ? []
      : isMuted
        ? [{ name: "Unmute", onChoose: () => client.unmute(conversation) }]
        : [
            { name: "Mute for 8 hours", onChoose: () => client.mute(conversation, Date.now() + eightHoursMs) },
            { name: "Mute", onChoose: () => client.mute(conversation) },
          ];
  const items: MenuItem[] = [
    ...mute,
    {
      name: isContact ? "Remove from contacts" : "Add to contacts",
      onChoose: () => client.setContact(peer, !isContact),
    },
    { name: isBlocked ? "Unblock" : "Block", isGrave: !isBlocked, onChoose: () => client.setBlocked(peer, !isBlocked) },
  ];
  return <Menu name="Menu of the conversation" icon="more" items={items} />;
}
