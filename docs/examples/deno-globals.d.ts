/** The part of Deno's own types that the examples use, for a check without Deno. */
declare namespace Deno {
  type Info = { readonly remoteAddr: { readonly hostname: string } };
  function serve(
    options: { port: number; hostname: string; onListen: (address: { port: number }) => void },
    handler: (request: Request, info: Info) => Response | Promise<Response>,
  ): void;
}
