/**
 * The standalone server without its defences, for negative controls: each entry takes one of them out of the source as it is
 * loaded. A probe that finds nothing on the real server must find something here.
 */
import { type Alteration, alterSource } from "../support/alter-source.ts";

const weaknesses: readonly Alteration[] = [
  // Origins are compared by what they begin with.
  {
    file: "http/origin.ts",
    from: "options.allowed.includes(origin)) return true;",
    to: 'options.allowed.some((one) => origin.startsWith(one)) || origin.includes(options.host ?? "?")) return true;',
  },
  // The runtime selects a subprotocol by itself.
  { file: "http/admit.ts", from: 'isOffered ? subprotocol : "" }', to: "offered.split(/, */)[0] }" },
  // Tokens are read, not verified.
  {
    file: "http/jwt.ts",
    from: "const verify = (token: string) => jwtVerify(token, keyOf, rules(publicAlgorithms));",
    to: `const read = (token) => JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    const verify = async (token) => ({ payload: read(token), protectedHeader: {} });`,
  },
  {
    file: "http/jwt.ts",
    from: 'if (aud !== undefined && audience === undefined) return refused("aud", "none, for no audience is configured");',
    to: "",
  },
  // An id is whatever is short.
  { file: "protocol/identifier.ts", from: "/^[A-Za-z0-9+\\-_.@:~|]{1,128}$/", to: "/^.{1,128}$/su" },
  // Input is merged into objects.
  {
    file: "protocol/decode.ts",
    from: "value = JSON.parse(data);",
    to: `const merge = (to, from) => {
      for (const key of Object.keys(from))
        if (typeof from[key] === "object" && from[key] !== null && typeof to[key] === "object") merge(to[key], from[key]);
        else to[key] = from[key];
      return to;
    };
    value = JSON.parse(data);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) value = merge({}, value);`,
  },
  // Requests and frames are logged as they came.
  {
    file: "adapter/bun.ts",
    from: "const admission = await chat.admit(request, peerOf(request, server));",
    to: `console.log("upgrade " + decodeURIComponent(request.url) + JSON.stringify([...request.headers]));
        const admission = await chat.admit(request, peerOf(request, server));`,
  },
  {
    file: "adapter/bun.ts",
    from: "message: (ws, frame) =>",
    to: 'message: (ws, frame) => (console.log("frame " + frame), false) ||',
  },
  // Where devices are notified is logged, and an error of a provider tells its address.
  {
    file: "http/route/devices.ts",
    from: "const { token, expiresAt } = found;",
    to: 'const { token, expiresAt } = found;\n  console.log("device " + token);',
  },
  {
    file: "push/provider/webhook.ts",
    from: "const response = await fetch(url, init).catch(() => null);",
    to: `const response = await fetch(url, init).catch((cause) => {
        throw new Error("no answer from " + url, { cause });
      });`,
  },
  // Any page may read any answer.
  {
    file: "http/problem.ts",
    from: '"Cache-Control": "no-store",',
    to: '"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*",',
  },
  // Bodies are inflated, whatever comes out.
  {
    file: "adapter/bun.ts",
    from: "return await fetch(request, peerOf(request, server));",
    to: `{
          if (request.headers.get("content-encoding") === "gzip")
            (globalThis.inflated ??= []).push(Bun.gunzipSync(await request.bytes()));
          return await fetch(request, peerOf(request, server));
        }`,
  },
  { file: "adapter/bun.ts", from: "idleTimeout: httpIdleSeconds", to: "idleTimeout: 0" },
  { file: "adapter/bun.ts", from: "perMessageDeflate: false", to: "perMessageDeflate: true" },
];

alterSource(weaknesses);
await import("../../src/server.ts");
