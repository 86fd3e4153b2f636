/** Reads addresses to listen on: `host:port`, `[::1]:80`, `:80`, `unix:/run/app.sock`, `fd:3`. */
import { CommandError } from './exit-codes.ts';

/** An address to listen on. */
export type Address = { readonly text: string } & (
  | { readonly kind: 'tcp'; readonly host: string | undefined; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }
);

/**
 * Reads an address.
 *
 * @throws {@link CommandError} if it is none
 */
export function parseAddress(text: string): Address {
  const unix = /^unix:(?:\/\/)?(.+)$/.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: unix, text: `unix:${unix}` };
  const fd = /^fd:(?:\/\/)?(\d+)$/.exec(text)?.[1];
  if (fd !== undefined) return { kind: 'fd', fd: Number(fd), text: `fd:${fd}` };
  const [, literal, name, portText] = /^(?:tcp:\/\/)?(?:\[([^\]]*)\]|([^:\s]*)):(\d+)$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText !== undefined && port <= MAX_PORT) return tcpAddress(literal ?? name, port);
  // A word with a dot, or one of letters alone, is a host; digits alone are a port.
  if (/^\d+$/.test(text) && Number(text) <= MAX_PORT) return tcpAddress('', Number(text));
  if (/^[a-z\d.-]+$/i.test(text) && !/^\d+$/.test(text)) return tcpAddress(text, DEFAULT_PORT);
  throw new CommandError(
    'usage',
    `Address must be host:port, :port, unix:/path or fd:N, not ${JSON.stringify(text)}`,
    {
      cure:
        text.split(':').length > 2 ? `An IPv6 address stands in brackets: [::1]:${DEFAULT_PORT}` : undefined,
    },
  );
}

/** The port without `--bind` and `--port`. */
export const DEFAULT_PORT = 8_124;

const MAX_PORT = 65_535;

/**
 * Makes the address of a host and a port.
 *
 * @param host Empty, or `*`, for every address of the machine
 */
export function tcpAddress(host: string | undefined, port: number): Address {
  const isEvery = host === undefined || host === '' || host === '*';
  const shown = isEvery ? '' : host.includes(':') ? `[${host}]` : host;
  return { kind: 'tcp', host: isEvery ? undefined : host, port, text: `${shown}:${port}` };
}
