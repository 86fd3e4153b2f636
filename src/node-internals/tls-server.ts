/** Looks into tls.Server (checked on Node 20 to 26). */
import type { Server } from 'node:tls';

interface ServerInternals {
  readonly key?: unknown;
  readonly cert?: unknown;
  readonly pfx?: unknown;
  readonly privateKeyIdentifier?: unknown;
  /** The contexts that addContext has added. */
  readonly _contexts?: readonly unknown[];
}

/** Tells if a server has anything with which a handshake can succeed, besides callbacks. */
export function hasCertificate(server: Server): boolean {
  // Members that node's types do not have.
  const { key, cert, pfx, privateKeyIdentifier, _contexts } = server as Server & ServerInternals;
  if (pfx !== undefined || (_contexts?.length ?? 0) > 0) return true;
  return cert !== undefined && (key ?? privateKeyIdentifier) !== undefined;
}
