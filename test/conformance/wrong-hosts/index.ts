/** All wrong hosts: each audit is failed by at least one of them. */
import { WRONG_BODIES } from './bodies.ts';
import { WRONG_ENDINGS } from './endings.ts';
import { WRONG_ENVIRONS } from './environs.ts';
import { WRONG_FORMS } from './forms.ts';
import { WRONG_HEADS } from './heads.ts';
import { WRONG_MIDDLEWARE } from './middleware.ts';
import { WRONG_MOUNTS } from './mounts.ts';
import { naiveCgi } from './naive-cgi.ts';
import { NAIVE_FAULTS, naiveHost } from './naive-host.ts';
import { WRONG_PROGRAMS } from './programs.ts';
import { WRONG_REQUESTS } from './requests.ts';
import { WRONG_UPGRADES } from './upgrades.ts';
import { WRONG_WRITES } from './writes.ts';
import type { WrongHosts } from './wrong-host.ts';

/** The naive gateways, of node:http and of CGI. */
const NAIVE: WrongHosts = {
  'a naive gateway': { host: naiveHost, noticedBy: NAIVE_FAULTS },
  'a naive CGI gateway': {
    host: naiveCgi(() => 'http'),
    noticedBy: [
      'cgi-199-output',
      'cgi-200-no-http',
      'cgi-200-head',
      'cgi-201-path-octets',
      'cgi-202-path-utf-8',
      'cgi-203-process-model',
      'cgi-203-scheme-on',
      'cgi-203-scheme-1',
      'cgi-203-scheme-yes',
      'cgi-204-content-length',
      'cgi-204-no-content-length',
      'cgi-205-proxy',
      'cgi-206-error',
      'cgi-206-late-error',
      'cgi-207-slow-pipe',
      'cgi-231-reused-memory',
      'cgi-208-iis',
    ],
  },
  'a CGI gateway that takes any HTTPS for TLS': {
    host: naiveCgi((https) => (https === undefined ? 'http' : 'https')),
    noticedBy: ['cgi-203-scheme-off'],
  },
};

/** The hosts by their fault. */
export const WRONG_HOSTS: WrongHosts = {
  ...NAIVE,
  ...WRONG_ENVIRONS,
  ...WRONG_HEADS,
  ...WRONG_WRITES,
  ...WRONG_BODIES,
  ...WRONG_ENDINGS,
  ...WRONG_REQUESTS,
  ...WRONG_FORMS,
  ...WRONG_MOUNTS,
  ...WRONG_PROGRAMS,
  ...WRONG_MIDDLEWARE,
  ...WRONG_UPGRADES,
};
