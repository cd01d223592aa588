/**
 * How long a connection is kept after a complete request, during the answer and after it: longer than the 60 s for which nginx and load
 * balancers keep theirs, or they would now and then send a request into a connection that is just closing.
 */
const keepAliveSeconds = 75;

type Timeouts = { readonly timeout: (request: Request, seconds: number) => void };

/**
 * Keeps the connection of a complete request: it has no body, or its body was read. `answer`: the response, where there is one;
 * a refused body may have been read in part only.
 */
export function keepIfWhole(
  request: Request,
  { server, answer }: { readonly server: Timeouts; readonly answer?: Pick<Response, "ok"> | undefined },
): void {
  const isRead = request.bodyUsed && answer?.ok === true;
  if (isRead || isWithoutBody(request)) server.timeout(request, keepAliveSeconds);
}

const isWithoutBody = ({ headers }: Request): boolean =>
  !headers.has("transfer-encoding") && Number(headers.get("content-length") ?? "0") === 0;
