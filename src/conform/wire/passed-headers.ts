/** Headers of one connection alone (RFC 9110 7.6.1), and those that say how the bytes of a body were sent: it is sent anew. */
const ofOneHop: readonly string[] = [
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade", "content-length", "content-encoding", "sec-websocket-accept"],
];

export type Field = readonly [name: string, value: string];

/** The headers of an answer that a proxy passes on, by their names in lower case; a name may be there twice. */
export function passedHeaders(fields: Iterable<Field>): readonly Field[] {
  const all = [...fields];
  const named = all
    .filter(([name]) => name === "connection")
    .flatMap(([, value]) => value.split(",").map((name) => name.trim().toLowerCase()));
  return all.filter(([name]) => !ofOneHop.includes(name) && !named.includes(name));
}
