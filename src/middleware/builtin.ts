/**
 * Modules of node that some middleware needs. They are looked up when the middleware is made, so that the entry itself loads where
 * there are none.
 */

/** A module by its name. */
interface BuiltinModules {
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:fs': typeof import('node:fs');
  readonly 'node:net': typeof import('node:net');
  readonly 'node:path': typeof import('node:path');
  readonly 'node:zlib': typeof import('node:zlib');
}

/**
 * Gives a module of node.
 *
 * @param name The module
 * @param user The middleware that needs it
 * @throws Error if the runtime does not have it
 */
export function builtin<Name extends keyof BuiltinModules>(name: Name, user: string): BuiltinModules[Name] {
  // Elsewhere than on node there may be no `process`, or one without this method (Node 20.16, 22.3).
  const { process: host } = globalThis as Partial<typeof globalThis>;
  const module: object | undefined = host?.getBuiltinModule?.(name);
  if (module === undefined)
    throw new Error(`${user} needs the module ${name}, which this runtime does not have`);
  // Node gives the module of that name.
  return module as BuiltinModules[Name];
}
