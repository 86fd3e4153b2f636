/**
 * Remembers with a node request of a wrapped program the environ that it was made from.
 *
 * The request gets a private member: no code can list, copy or log it, so that the request looks like one of node's,
 * and nothing is allocated per request, as for an entry of a WeakMap.
 */
import type { Environ } from '../wsgi.ts';

/** A constructor that gives its argument, so that a derived class adds its private members to any object. */
const Given = function given(object: object): object {
  return object;
  // In TypeScript only a class is a constructor.
} as unknown as new (
  object: object,
) => object;

class Marked extends Given {
  readonly #environ: Environ;

  constructor(request: object, environ: Environ) {
    super(request);
    this.#environ = environ;
  }

  static environOf(request: object): Environ | undefined {
    return #environ in request ? request.#environ : undefined;
  }
}

/** Remembers the environ of a request. Call it once per request. */
export function rememberEnviron(request: object, environ: Environ): void {
  new Marked(request, environ);
}

/**
 * Gives the environ that a wrapped program's request was made from.
 *
 * @param request The request that the program got
 * @returns undefined for the request of another server
 * @example
 * app.get('/', (req, res) => res.send(environOf(req)?.REMOTE_USER));
 */
export function environOf(request: object): Environ | undefined {
  return Marked.environOf(request);
}
