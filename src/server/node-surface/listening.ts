/** Checks before a server listens: mistakes that node passes over in silence. */
import type { ListenOptions } from 'node:net';
import type { SecureContextOptions, TlsOptions, Server as TlsServer } from 'node:tls';
import { hasCertificate } from '../../node-internals/index.ts';

/** Forms of `listen` that node takes and its types lack: a port may be text, as variables of the environment are. */
export interface TextPorts {
  listen(port?: number | string, host?: string, backlog?: number, listener?: () => void): this;
  listen(port?: number | string, host?: string, listener?: () => void): this;
  listen(port?: number | string, listener?: () => void): this;
  listen(options: TextListenOptions, listener?: () => void): this;
}

/** node's options of `listen`, with a port that may be text. */
export interface TextListenOptions extends Omit<ListenOptions, 'port'> {
  readonly port?: number | string | undefined;
}

/**
 * Checks the arguments of `listen`.
 *
 * @throws TypeError for an empty host. node would listen on every address; an empty variable HOST is enough
 */
export function checkPlace(values: readonly unknown[]): void {
  const [first, second] = values;
  const isObject = typeof first === 'object' && first !== null;
  const host: unknown = isObject ? Reflect.get(first, 'host') : second;
  if (host !== '') return;
  const error = new TypeError("Host must not be '': leave it out, or write 0.0.0.0 or :: for every address");
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/**
 * Checks that handshakes can succeed.
 *
 * @param options The option `tls`
 * @throws TypeError if there is nothing with which a handshake could succeed
 */
export function checkTls(server: TlsServer, options: TlsOptions & SecureContextOptions): void {
  if (options.SNICallback ?? options.pskCallback ?? options.secureContext) return;
  if (hasCertificate(server)) return;
  const error = new TypeError(
    'Option tls needs key and cert, pfx, SNICallback or pskCallback, with the texts of key and certificate, ' +
      'not names of files; or call addContext or setSecureContext before listen',
  );
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}
