/** Checks before a server listens: mistakes that node passes over in silence. */
import type { ListenOptions } from 'node:net';
import type { SecureContextOptions, TlsOptions, Server as TlsServer } from 'node:tls';
import { refuseOnWorkers } from '../../gateway/refuse-on-workers.ts';
import { hasCertificate, otherEngine } from '../../node-internals/index.ts';

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
 * @throws Error on Cloudflare Workers
 * @throws TypeError for an empty host. node would listen on every address; an empty variable HOST is enough
 */
export function checkPlace(values: readonly unknown[]): void {
  refuseOnWorkers('A server cannot listen', 'export default { fetch: toFetch(application) }');
  const [first, second] = values;
  const isObject = typeof first === 'object' && first !== null;
  const host: unknown = isObject ? Reflect.get(first, 'host') : second;
  if (host !== '') return;
  throw invalid("Host must not be '': leave it out, or write 0.0.0.0 or :: for every address");
}

/**
 * Checks that handshakes can succeed.
 *
 * @param options The option `tls`
 * @throws TypeError if there is nothing with which a handshake could succeed, or if this runtime would ignore what there is
 */
export function checkTls(server: TlsServer, options: TlsOptions & SecureContextOptions): void {
  const { pskCallback } = options;
  const engine = otherEngine();
  if (pskCallback !== undefined && engine !== undefined)
    throw invalid(
      `Option tls.pskCallback has no effect on ${engine}, which knows no shared keys: use a certificate`,
    );
  if (options.SNICallback ?? pskCallback ?? options.secureContext) return;
  if (hasCertificate(server)) return;
  throw invalid(
    'Option tls needs key and cert, pfx, SNICallback or pskCallback, with the texts of key and certificate, ' +
      'not names of files; or call addContext or setSecureContext before listen',
  );
}

function invalid(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}
