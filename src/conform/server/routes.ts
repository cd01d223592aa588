import { randomUUID } from "node:crypto";
import type { Query } from "./user.ts";

type Route = Readonly<{ method: string; path: string; query?: Query; body?: unknown }>;

/** Of no invitation: its id, and its token. */
const invite = "01980000-0000-7000-8000-000000000000";
const token = "x".repeat(43);

/** Every route that PROTOCOL.md has and that wants credentials, with what it takes. */
export function guardedRoutes({ conversation, user }: { conversation: string; user: string }): readonly Route[] {
  const push = { provider: "fcm", token: "kit" };
  const hours = { from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" };
  const one = `/conversations/${conversation}`;
  const group = `/groups/${conversation}`;
  return [
    { method: "GET", path: "/me" },
    { method: "GET", path: "/messages" },
    { method: "POST", path: "/messages", body: { id: randomUUID(), to: user, text: "hi" } },
    { method: "GET", path: "/changes", query: { device: "d", wait: 0 } },
    { method: "POST", path: "/ack", body: { device: "d", cursor: "c" } },
    { method: "GET", path: "/conversations" },
    { method: "GET", path: one },
    { method: "POST", path: `${one}/read`, body: { seq: 1 } },
    { method: "GET", path: `${one}/mute` },
    { method: "PUT", path: `${one}/mute`, body: {} },
    { method: "DELETE", path: `${one}/mute` },
    { method: "PUT", path: "/devices/d", body: { push } },
    { method: "DELETE", path: "/devices/d" },
    { method: "GET", path: "/quiet-hours" },
    { method: "PUT", path: "/quiet-hours", body: hours },
    { method: "DELETE", path: "/quiet-hours" },
    { method: "GET", path: "/push" },
    { method: "GET", path: "/push/explain", query: { message: randomUUID() } },
    { method: "POST", path: "/tickets" },
    { method: "GET", path: "/contacts" },
    { method: "POST", path: "/contacts", body: { users: [user] } },
    { method: "GET", path: `/contacts/${user}` },
    { method: "PUT", path: `/contacts/${user}` },
    { method: "DELETE", path: `/contacts/${user}` },
    { method: "GET", path: "/blocks" },
    { method: "PUT", path: `/blocks/${user}` },
    { method: "DELETE", path: `/blocks/${user}` },
    { method: "POST", path: "/groups", body: { id: randomUUID(), name: "kit" } },
    { method: "GET", path: group },
    { method: "PATCH", path: group, body: { name: "kit" } },
    { method: "GET", path: `${group}/readers`, query: { seq: 1 } },
    { method: "GET", path: `${group}/members` },
    { method: "POST", path: `${group}/members`, body: { users: [user] } },
    { method: "PUT", path: `${group}/members/${user}`, body: { role: "admin" } },
    { method: "DELETE", path: `${group}/members/${user}` },
    { method: "POST", path: `${group}/join` },
    { method: "POST", path: `${group}/leave` },
    { method: "GET", path: `${group}/invites` },
    { method: "POST", path: `${group}/invites`, body: {} },
    { method: "DELETE", path: `${group}/invites/${invite}` },
    { method: "POST", path: `/invites/${token}/join` },
  ];
}
