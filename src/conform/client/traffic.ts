/** The rules for everything that a client sends and prints, in each of the cases. */
import { show } from "../check.ts";
import { isUuid } from "../frames.ts";
import { type Link, sendsOf, toClient } from "./link.ts";
import { confirmedBy, cursorsOf, pollsOf, postsOf } from "./polls.ts";
import type { Program } from "./program.ts";
import type { Proxy } from "./proxy.ts";

type Traffic = { readonly proxy: Proxy; readonly token: string; readonly programs: readonly Program[] };

type Rule = (traffic: Traffic) => string | null;

/** The first fault, as a sentence; null: none. */
export function validateTraffic(traffic: Traffic): string | null {
  for (const rule of rules) {
    const fault = rule(traffic);
    if (fault !== null) return fault;
  }
  return null;
}

/** The first frame that was none. A connection ends by it: what a case misses then is its consequence. */
export const violationOf = (proxy: Proxy): string | null =>
  proxy.links().flatMap(({ violations }) => violations)[0] ?? null;

const rules: readonly Rule[] = [
  function framesAreOfTheWire({ proxy }) {
    return violationOf(proxy);
  },

  function idsAreKept({ proxy }) {
    const texts = new Map<string, string>();
    const ids = new Map<string, string>();
    for (const { id, text = "" } of [...sendsOf(proxy.links()), ...postsOf(proxy)]) {
      if (!isUuid(id)) return `${show(id)} is no message id`;
      if ((texts.get(id) ?? text) !== text) return `the id ${id} was used for two texts`;
      if ((ids.get(text) ?? id) !== id) return `${show(text)} was sent under two ids`;
      texts.set(id, text);
      ids.set(text, id);
    }
    return null;
  },

  function cursorsCameFromTheServer({ proxy }) {
    const given = new Set<string>();
    for (const link of proxy.links()) {
      const resumed = link.query.get("cursor");
      if (resumed !== null && !given.has(resumed)) return `the cursor ${resumed} of an upgrade came from no server`;
      for (const { from, frame } of link.events) {
        if (from === "server" && frame.cursor !== undefined) given.add(frame.cursor);
        if (from === "client" && frame.type === "ack" && !given.has(frame.cursor ?? ""))
          return `the cursor ${show(frame.cursor)} of an ack came from no server`;
      }
    }
    for (const { cursor } of cursorsOf(pollsOf(proxy))) given.add(cursor);
    const polled = proxy.requests().flatMap((request) => confirmedBy(request) ?? []);
    const unknown = polled.find((cursor) => !given.has(cursor));
    return unknown === undefined ? null : `the cursor ${show(unknown)} of a request came from no server`;
  },

  function deviceStays({ proxy }) {
    const polls = proxy.requests().filter(({ url }) => url.pathname === "/changes");
    const queries = [...proxy.links().map(({ query }) => query), ...polls.map(({ url }) => url.searchParams)];
    const devices = new Set(queries.map((query) => query.get("device")));
    if (devices.has(null) || devices.has("default")) return "the client names no device of its own";
    return devices.size <= 1 ? null : `one installation came as ${[...devices].join(" and ")}`;
  },

  function framesAreWellFormed({ proxy }) {
    const bad = proxy
      .links()
      .flatMap(toClient)
      .find(({ code }) => code === "bad_frame");
    return bad === undefined ? null : `the server refused a frame of the client: ${show(bad)}`;
  },

  function windowIsKept({ proxy }) {
    for (const link of proxy.links()) {
      const { waiting, window } = mostUnanswered(link);
      if (waiting > window) return `${waiting} sends waited for their answers, and the window is ${window}`;
    }
    return null;
  },

  function secretsStayOutOfUrls({ proxy, token }) {
    const urls = [...proxy.attempts(), ...proxy.requests()].map(({ url }) => url.href);
    return urls.some((url) => url.includes(token)) ? "the token is in a URL" : null;
  },

  function ticketsAreUsedOnce({ proxy }) {
    const tickets = proxy.attempts().flatMap(({ url }) => url.searchParams.get("ticket") ?? []);
    return new Set(tickets).size === tickets.length ? null : "a ticket was used twice";
  },

  function messagesAreShownOnce({ programs }) {
    for (const program of programs) {
      const seqs = new Map<string, number>();
      for (const line of program.lines()) {
        if (!("message" in line)) continue;
        const { conversation, seq } = line.message;
        const last = seqs.get(conversation) ?? 0;
        if (seq <= last) return `message ${seq} of ${conversation} was shown after message ${last}`;
        seqs.set(conversation, seq);
      }
    }
    return null;
  },
];

function mostUnanswered(link: Link): { readonly waiting: number; readonly window: number } {
  const window = toClient(link).find(({ type }) => type === "welcome")?.limits?.sendWindow ?? Infinity;
  const open = new Set<string>();
  let waiting = 0;
  for (const { from, frame } of link.events) {
    if (from === "client" && frame.type === "send") open.add(frame.id ?? "");
    if (from === "server" && (frame.type === "accepted" || frame.type === "rejected")) open.delete(frame.id ?? "");
    waiting = Math.max(waiting, open.size);
  }
  return { waiting, window };
}
