/** Real proxies in TCP mode, which tell the client by the PROXY protocol. */
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Place, Recipe, Upstream } from './proxies.ts';

/** How a proxy in TCP mode sends the header. */
export interface TcpRecipe extends Recipe {
  readonly version: 1 | 2;
  /** The proxy ends TLS. */
  readonly endsTls?: true;
  /** A file that the proxy needs besides. */
  readonly module?: string;
}

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';
const FOLDER = new URL('../support/tls/', import.meta.url);

/** This machine speaks IPv6. */
export const hasIPv6: boolean = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

const placeOf = (upstream: Upstream, unix: string): string =>
  typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `${unix}${upstream}`;

/** HAProxy, which also looks every 100 ms if the server is up. */
function haproxy(version: 1 | 2, options: string, isSecure = false): TcpRecipe {
  return {
    version,
    ...(isSecure && { endsTls: true }),
    programs: ['haproxy'],
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }: Place) => {
      const certificate = join(folder, 'certificate.pem');
      const parts = ['cert.pem', 'key.pem'].map((name) => readFileSync(new URL(name, FOLDER)));
      writeFileSync(certificate, Buffer.concat(parts));
      const tls = isSecure ? `ssl crt ${certificate}` : '';
      return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen proxy
  bind 127.0.0.1:${port} ${tls}
  ${hasIPv6 ? `bind [::1]:${port} ${tls}` : ''}
  server upstream ${placeOf(upstream, 'unix@')} check inter 100ms ${options}
`;
    },
    parameters: (_place: Place, configuration: string) => ['-db', '-f', configuration],
  };
}

/** The proxies, by name. */
export const TCP_PROXIES: Readonly<Record<string, TcpRecipe>> = {
  'HAProxy with version 1': haproxy(1, 'send-proxy check-send-proxy'),
  'HAProxy with version 2': haproxy(2, 'send-proxy-v2 check-send-proxy'),
  'HAProxy with version 2 and checks without a header': haproxy(2, 'send-proxy-v2 no-check-send-proxy'),
  'HAProxy with a checksum': haproxy(2, 'send-proxy-v2 proxy-v2-options crc32c check-send-proxy'),
  'HAProxy that ends TLS': haproxy(
    2,
    'send-proxy-v2 proxy-v2-options ssl,ssl-cipher,cert-cn,authority,crc32c check-send-proxy',
    true,
  ),
  nginx: {
    version: 1,
    programs: ['nginx'],
    module: STREAM_MODULE,
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }: Place) => `
load_module ${STREAM_MODULE};
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log;
${userInfo().uid === 0 ? 'user root;' : ''}
events {}
stream {
  server {
    listen 127.0.0.1:${port};
    ${hasIPv6 ? `listen [::1]:${port};` : ''}
    proxy_protocol on;
    proxy_pass ${placeOf(upstream, 'unix:')};
  }
}`,
    parameters: ({ folder }: Place, configuration: string) => [
      '-p',
      folder,
      '-e',
      `${folder}/log`,
      '-c',
      configuration,
    ],
  },
};
