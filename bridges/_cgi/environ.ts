/**
 * Makes an environ of CGI variables, for hosts that get them: as the environment of a CGI program, or as FastCGI's parameters.
 *
 * Such a host gets no request target and no field lines, but the variables of an environ. They are taken as they
 * are, over what `createEnviron` makes of an empty request.
 *
 * Rule 1: this file does not know where the variables come from.
 * Rule 2: the unknown is left out: REQUEST_URI unless the server sets it, and `gateway.raw_headers`.
 */
import { type OptionsOf, settingsOf } from '../../src/gateway/index.ts';
import {
  createEnviron,
  type Environ,
  type ErrorStream,
  guessScheme,
  type InputSource,
} from '../../src/index.ts';

/** The options of `createCgiEnviron`. */
export const CGI_ENVIRON_OPTIONS = {
  /** Removes SCRIPT_NAME from the beginning of PATH_INFO, where some versions of IIS repeat it. */
  iis: { type: 'boolean', default: false },
} as const;

/** Options of the environ of a CGI program. */
export interface CgiEnvironOptions extends OptionsOf<typeof CGI_ENVIRON_OPTIONS> {}

/** The host of an environ of CGI variables. */
export interface CgiEnvironHost {
  /** Makes the source of content. @param length The octets to read, at least one; undefined if the server did not tell */
  createInput(length: number | undefined): InputSource | undefined;
  /** `wsgi.errors`. @default standard error */
  readonly errors?: ErrorStream | undefined;
  /** The process ends after this request. */
  readonly runsOnce: boolean;
  /** Other processes may run the same application at the same time. */
  readonly multiprocess: boolean;
}

type Variables = Readonly<Record<string, string>>;

/** Variables that no header may set: RFC 3875 §4.1.18 forbids two, CVE-2016-5385 is about the other. */
const FORBIDDEN = new Set(['HTTP_PROXY', 'HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH']);

/** RFC 3875 §4.1: an empty variable is the same as none. An environ has these only if they are not empty. */
const NEVER_EMPTY = new Set([
  'CONTENT_LENGTH',
  'CONTENT_TYPE',
  'REMOTE_ADDR',
  'REQUEST_METHOD',
  'REQUEST_URI',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_PROTOCOL',
]);

/**
 * Makes the environ of the request that the variables describe.
 *
 * @param variables The environment of the process, as native strings
 * @param host What the host provides
 * @param options Options of the environ
 */
export function createCgiEnviron(
  variables: Variables,
  host: CgiEnvironHost,
  options: CgiEnvironOptions = {},
): Environ {
  const known = filterVariables(variables);
  const scheme = guessScheme({ ...known });
  const length = known.CONTENT_LENGTH === undefined ? undefined : Number(known.CONTENT_LENGTH);
  const environ = createEnviron(
    {
      method: 'GET',
      target: known.REQUEST_URI ?? '',
      protocol: 'HTTP/1.0',
      rawHeaders: [],
      scheme,
      serverName: '127.0.0.1',
      serverPort: scheme === 'https' ? '443' : '80',
      multiprocess: host.multiprocess,
      input: length === 0 ? undefined : host.createInput(length),
      errors: host.errors,
    },
    {
      environ: {
        GATEWAY_INTERFACE: 'CGI/1.1',
        ...known,
        ...splitPath(known, options),
        'wsgi.run_once': host.runsOnce,
      },
    },
  );
  if (known.REQUEST_URI === undefined) {
    delete environ.REQUEST_URI;
    delete environ.RAW_URI;
  }
  delete environ['gateway.raw_headers'];
  return environ;
}

function filterVariables(variables: Variables): Variables {
  return Object.fromEntries(
    Object.entries(variables).filter(([name, value]) => {
      if (FORBIDDEN.has(name) || /^(?:wsgi|gateway)\./.test(name)) return false;
      // An invalid length means no content: the server should have refused the request.
      if (name === 'CONTENT_LENGTH') return /^[0-9]+$/.test(value);
      return value !== '' || !NEVER_EMPTY.has(name);
    }),
  );
}

/** PEP 3333: SCRIPT_NAME may be empty, but does not end in the slash that begins PATH_INFO. */
function splitPath(variables: Variables, options: CgiEnvironOptions): Variables {
  const { SCRIPT_NAME: script = '', PATH_INFO: path = '', QUERY_STRING = '' } = variables;
  // By segments: `/app` is repeated in `/app` and `/app/x`, not in `/apple`.
  const isRepeated = settingsOf(CGI_ENVIRON_OPTIONS, options).iis && `${path}/`.startsWith(`${script}/`);
  const rest = isRepeated ? path.slice(script.length) : path;
  // Both are empty only without a web server, as on a command line.
  if (script === '' && rest === '') return { SCRIPT_NAME: '', PATH_INFO: '/', QUERY_STRING };
  if (!script.endsWith('/')) return { SCRIPT_NAME: script, PATH_INFO: rest, QUERY_STRING };
  const PATH_INFO = rest.startsWith('/') ? rest : `/${rest}`;
  return { SCRIPT_NAME: script.slice(0, -1), PATH_INFO, QUERY_STRING };
}
