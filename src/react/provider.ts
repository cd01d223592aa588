"use client";
import { createContext, createElement, type ReactNode, useContext, useEffect } from "react";
import type { Client } from "../client/api.ts";

const Context = createContext<Client | null>(null);

/**
 * Gives its children the client, and keeps it connected while it is on the page.
 *
 * @example
 * const app = createElement(Tidings, { client, children: "The hooks work here" });
 */
export function Tidings({ client, children }: { readonly client: Client; readonly children?: ReactNode }): ReactNode {
  useEffect(() => client.retain(), [client]);
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest `<Tidings>`. @throws Error outside of one. */
export function useClient(): Client {
  const client = useContext(Context);
  if (client === null) throw new Error("The hooks of Tidings work inside <Tidings client={…}>");
  return client;
}
