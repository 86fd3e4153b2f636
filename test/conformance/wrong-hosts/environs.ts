/** Hosts that make a wrong environ. */
import { posix } from 'node:path';
import type { Environ } from '../../../src/wsgi.ts';
import { node } from '../hosts.ts';
import { changing, type Sabotage, sabotaged, type WrongHosts } from './wrong-host.ts';

let shared: Environ | undefined;

const oneForAll: Sabotage = (application) => (environ, startResponse) => {
  shared = Object.assign(shared ?? {}, environ);
  return application(shared, startResponse);
};

/** The hosts. */
export const WRONG_ENVIRONS: WrongHosts = {
  'a path in upper case': {
    host: sabotaged(
      node,
      changing(({ PATH_INFO }) => ({ PATH_INFO: PATH_INFO.replace('/path', '/PATH') })),
    ),
    noticedBy: ['environ-24-path-decoding'],
  },
  'slashes that are collapsed': {
    host: sabotaged(
      node,
      changing(({ PATH_INFO }) => ({ PATH_INFO: PATH_INFO.replaceAll('//', '/') })),
    ),
    noticedBy: ['environ-29-double-slash'],
  },
  'dot segments that are removed': {
    host: sabotaged(
      node,
      changing(({ PATH_INFO }) => ({ PATH_INFO: posix.normalize(PATH_INFO) })),
    ),
    noticedBy: ['environ-30-dot-dot-segment', 'environ-30-dot-segment'],
  },
  'a failure at OPTIONS *': {
    host: sabotaged(
      node,
      changing(({ PATH_INFO }) => {
        if (PATH_INFO === '*') throw new Error('no path');
        return {};
      }),
    ),
    noticedBy: ['environ-33-asterisk-form-survival'],
  },
  'a query that keeps its question mark': {
    host: sabotaged(
      node,
      changing(({ QUERY_STRING }) => ({ QUERY_STRING: `?${QUERY_STRING}` })),
    ),
    noticedBy: ['environ-23-path-variables', 'environ-35-query-empty', 'environ-35-query-undecoded'],
  },
  'HTTPS without TLS': {
    host: sabotaged(
      node,
      changing(() => ({ HTTPS: 'off' })),
    ),
    noticedBy: ['environ-50-plain', 'environ-51-forwarded-proto'],
  },
  'TLS that it does not mention': {
    host: sabotaged(
      node,
      changing((environ) => {
        delete environ.HTTPS;
        return { 'wsgi.url_scheme': 'http' };
      }),
    ),
    noticedBy: ['environ-50-tls'],
  },
  'one environ for all requests': {
    host: sabotaged(node, oneForAll),
    noticedBy: ['environ-53-fresh'],
  },
  'a frozen environ': {
    host: sabotaged(
      node,
      (application) => (environ, startResponse) => application(Object.freeze(environ), startResponse),
    ),
    noticedBy: ['environ-54-mutable'],
  },
  'variables of the pseudo-header fields': {
    host: sabotaged(
      node,
      changing(({ PATH_INFO }) => ({ 'HTTP_:PATH': PATH_INFO })),
    ),
    noticedBy: ['environ-55-pseudo-fields'],
  },
  'fields joined by a comma': {
    host: sabotaged(
      node,
      changing(({ HTTP_COOKIE, HTTP_X_TEST_HEADER }) => ({
        HTTP_COOKIE: HTTP_COOKIE?.replaceAll('; ', ','),
        HTTP_X_TEST_HEADER: String(HTTP_X_TEST_HEADER).replaceAll(', ', ','),
      })),
    ),
    noticedBy: ['environ-36-repeated-field', 'environ-37-cookie'],
  },
  'field values as text': {
    host: sabotaged(
      node,
      changing(({ HTTP_X_OCTETS, HTTP_X_SPACE }) => ({
        HTTP_X_OCTETS: Buffer.from(String(HTTP_X_OCTETS), 'latin1').toString(),
        HTTP_X_SPACE: String(HTTP_X_SPACE).trim(),
      })),
    ),
    noticedBy: ['environ-45-field-octets', 'environ-46-optional-white-space'],
  },
  'a CONTENT_LENGTH that is always there': {
    host: sabotaged(
      node,
      changing(({ CONTENT_LENGTH = '' }) => ({ CONTENT_LENGTH })),
    ),
    noticedBy: ['environ-47-no-content-fields', 'input-158-chunked'],
  },
};
