/** A promise that others fulfil. Node 20, and Safari before 17.4, have no `Promise.withResolvers`. */
export function deferred<T>() {
  let resolve: (value: T) => void = ignore;
  let reject: (reason: unknown) => void = ignore;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

const ignore = (): void => {};
