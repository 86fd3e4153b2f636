/**
 * All flags, as one table: the options of the command, and those options of the server that a flag can set.
 *
 * Flags, keys of the config file, environment variables, `--help` and docs/cli.md follow from it.
 */
import { ENVIRON_OPTIONS } from '../gateway/environ.ts';
import { GATEWAY_OPTIONS } from '../gateway/gateway-options.ts';
import type { OptionRow } from '../gateway/option-table.ts';
import { LIMITS } from '../http/index.ts';
import { HTTP2_OPTIONS } from '../server/http2/options.ts';
import { SERVER_OPTIONS, SERVER_SETTINGS } from '../server/options.ts';
import { COMMAND_OPTIONS, type FlagRow } from './command-options.ts';

/** Options of the server that flags can set. Objects and functions stay with the config file's `server`. */
export const FLAGS_OF_SERVER: typeof LIMITS &
  typeof SERVER_SETTINGS &
  typeof HTTP2_OPTIONS &
  typeof GATEWAY_OPTIONS &
  Pick<typeof SERVER_OPTIONS, 'serverName' | 'serverHeader' | 'proxyProtocol'> &
  Pick<typeof ENVIRON_OPTIONS, 'underscoreHeaders'> = {
  ...LIMITS,
  ...SERVER_SETTINGS,
  ...HTTP2_OPTIONS,
  serverName: SERVER_OPTIONS.serverName,
  serverHeader: SERVER_OPTIONS.serverHeader,
  proxyProtocol: SERVER_OPTIONS.proxyProtocol,
  underscoreHeaders: ENVIRON_OPTIONS.underscoreHeaders,
  ...GATEWAY_OPTIONS,
};

const VALUES: Readonly<Record<string, string>> = {
  milliseconds: 'TIME',
  octets: 'SIZE',
  count: 'N',
  name: 'NAME',
  'field value': 'TEXT',
};

/** All options of the command by name. */
export const FLAGS: Readonly<Record<string, FlagRow>> = {
  ...COMMAND_OPTIONS,
  ...Object.fromEntries(
    Object.entries<OptionRow>(FLAGS_OF_SERVER).map(([name, row]) => [name, ofServer(row)]),
  ),
  http2: {
    ...HTTP2_OPTIONS.http2,
    group: 'address',
    help: 'speak HTTP/2 besides HTTP/1.1',
    isRare: true,
  },
  proxyProtocol: {
    ...SERVER_OPTIONS.proxyProtocol,
    group: 'proxy',
    value: 'LIST',
    help: 'expect the PROXY protocol from these: 10.0.0.0/8, loopback, unix',
    isRare: true,
  },
};

function ofServer(row: OptionRow): FlagRow {
  const value = typeof row.type === 'string' ? VALUES[row.type] : undefined;
  return { ...row, group: 'limits', help: '', isRare: true, ...(value !== undefined && { value }) };
}

/** Gives the flag of an option: `--max-requests`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
