/** Tells at the start where the application can be reached. */
import type { AddressInfo } from 'node:net';
import { isWildcard, serverUrl } from '../server/node-surface/server-url.ts';
import { SOFTWARE } from '../software.ts';
import type { Address } from './address.ts';
import { paint } from './colours.ts';

/** The facts of the banner. */
export interface BannerFacts {
  /** File and export. */
  readonly name: string;
  readonly kind: string;
  readonly workers: number;
  readonly isReloading: boolean;
  readonly urls: readonly string[];
}

/** Formats the banner. */
export function formatBanner({ name, kind, workers, isReloading, urls }: BannerFacts): string {
  const { stderr } = process;
  const processes = workers === 0 ? 'one process' : `${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  const version = SOFTWARE.replace('/', ' ');
  const notes = [`pid ${process.pid}`, ...(isReloading ? ['reload'] : []), 'Ctrl+C to stop'].join(', ');
  const places = urls.map((url, index) => {
    const note = index === urls.length - 1 ? `  ${paint('dim', `(${notes})`, stderr)}` : '';
    return `${paint('green', '➜', stderr)} listen   ${paint('cyan', url, stderr)}${note}`;
  });
  return [
    `${paint('bold', version, stderr)} · node ${process.versions.node} · ${processes}`,
    `◆ app      ${name} (${kind})`,
    ...places,
    '',
  ].join('\n');
}

/**
 * Gives the URL that a person opens; for a unix socket its address.
 *
 * @param bound What `address()` of the server gives: the port may have been chosen by the system
 */
export function urlOf(
  address: Address,
  bound: AddressInfo | string | null,
  scheme: 'http' | 'https',
): string {
  // Workers that listen for themselves have bound the address as it is given.
  const given = address.kind === 'tcp' ? { address: address.host ?? '::', port: address.port } : null;
  const place = bound ?? given;
  if (typeof place === 'string' || place === null) return address.text;
  const url = serverUrl(place, scheme, address.kind === 'tcp' ? address.host : undefined);
  return isWildcard(place.address) ? `${url}  on every address` : `${url}`;
}
