/** Hosts that mount applications wrongly. */
import type { ServerResponse } from 'node:http';
import { encodeUtf8 } from '../../../src/gateway/platform.ts';
import { expressMounted } from '../hosts.ts';
import { relayed } from './relay.ts';
import { changing, type Sabotage, sabotaged, type WrongHosts, withOptions } from './wrong-host.ts';

/** Sets headers on the response of the host at once. */
const settingHeaders: Sabotage = (application) => (environ, startResponse) =>
  application(environ, (status, headers, excInfo) => {
    // The environ has the objects of Express.
    const response = environ['express.res'] as ServerResponse;
    for (const [name, value] of headers) response.setHeader(name, value);
    return startResponse(status, headers, excInfo);
  });

/** Takes content that cannot be read for none. */
const readingNothing: Sabotage = (application) => (environ, startResponse) => {
  const input = environ['wsgi.input'];
  const read = (size?: number | null): Promise<Uint8Array> => input.read(size).catch(() => new Uint8Array(0));
  return application(Object.assign(environ, { 'wsgi.input': { read } }), startResponse);
};

/** The hosts. */
export const WRONG_MOUNTS: WrongHosts = {
  'a mount that stays in the path': {
    host: sabotaged(
      expressMounted,
      changing(({ SCRIPT_NAME, PATH_INFO }) => ({ SCRIPT_NAME: '', PATH_INFO: SCRIPT_NAME + PATH_INFO })),
    ),
    noticedBy: [
      'bridge-209-mount-exact',
      'bridge-209-mount-slash',
      'bridge-209-mount-below',
      'bridge-209-mount-nested',
      'bridge-210-encoded-mount',
    ],
  },
  'a mount by prefix of letters': {
    host: relayed(expressMounted, { request: (octets) => octets.replace('/apple', '/ap/ple') }),
    noticedBy: ['bridge-209-mount-boundary'],
  },
  'content that its parser has emptied': {
    host: sabotaged(
      expressMounted,
      changing(() => ({ 'wsgi.input': { read: async () => encodeUtf8('{}') } })),
    ),
    noticedBy: ['json', 'raw', 'text', 'urlencoded'].map((parser) => `bridge-211-consumed-${parser}`),
  },
  'consumed content that is taken for none': {
    host: sabotaged(expressMounted, readingNothing),
    noticedBy: ['bridge-211-consumed-opaque'],
  },
  'fields of the host that are lost': {
    host: withOptions(expressMounted, ({ hostFields: _, ...options }) => options),
    noticedBy: [
      'bridge-212-host-fields-array',
      'bridge-212-host-fields-stream',
      'bridge-245-vary-array',
      'bridge-245-vary-stream',
    ],
  },
  'headers that are set on the response at once': {
    host: sabotaged(expressMounted, settingHeaders),
    noticedBy: ['bridge-212-failed-fields'],
  },
  'no view of changed fields': {
    host: withOptions(expressMounted, ({ changeRequest: _, ...options }) => options),
    noticedBy: ['bridge-243-added-fields', 'bridge-243-changed-fields', 'bridge-243-removed-fields'],
  },
  'fields that are changed though they were only looked at': {
    host: withOptions(expressMounted, (options) => ({
      ...options,
      changeRequest: ({ headers }) => {
        headers.referer = 'two';
        headers['x-user'] = 'other';
      },
    })),
    noticedBy: ['bridge-243-looked-at-fields', 'bridge-243-repeated-fields'],
  },
  'a proxy that it never trusts': {
    host: withOptions(expressMounted, ({ trustProxy: _, ...options }) => options),
    noticedBy: ['bridge-244-trusted-proxy'],
  },
  'a proxy that it always trusts': {
    host: withOptions(expressMounted, (options) => ({ ...options, trustProxy: true })),
    noticedBy: ['bridge-244-untrusted-proxy'],
  },
  'answers that never fall through': {
    host: withOptions(expressMounted, ({ next: _, ...options }) => options),
    noticedBy: ['bridge-247-after-nothing', 'bridge-247-after-one-octet', 'bridge-247-after-everything'],
  },
};
