/**
 * Runs an application as a CGI/1.1 program (RFC 3875): one process, one request, standard input and output.
 *
 * Rule 1: this file reads the process and fixes the order of events. _cgi/environ.ts reads the variables, cgi-sink.ts the
 *         output.
 * Rule 2: nothing here ends the process: `process.exit()` would throw away what a slow server has not taken yet. The
 *         exit code is set, and the process ends by itself once everything is written.
 */
import { type OptionsOf, tryPairs } from '../../src/gateway/index.ts';
import {
  type Application,
  type ApplicationFunction,
  checkGatewayOptions,
  decodeNative,
  type EnvironOptions,
  encodeNative,
  type GatewayOptions,
  runApplication,
  toApplication,
} from '../../src/index.ts';
import {
  CGI_ENVIRON_OPTIONS,
  type CgiEnvironHost,
  type CgiEnvironOptions,
  createCgiEnviron,
} from '../_cgi/environ.ts';
import { CgiSink } from './cgi-sink.ts';
import { readRawVariables } from './raw-variables.ts';
import { createStandardInput } from './standard-input.ts';

/** The options of `runCgi` besides those of the environ and of every host. */
export const CGI_OPTIONS = {
  /**
   * Writes a whole HTTP/1.0 response, for servers that send the output as it is (RFC 3875 §5). It is on by default if
   * the name of the script begins with `nph-`.
   */
  nph: { type: 'boolean' },
} as const;

/** Options of a CGI program. */
export interface RunCgiOptions
  extends GatewayOptions,
    Pick<EnvironOptions, 'environ'>,
    CgiEnvironOptions,
    OptionsOf<typeof CGI_OPTIONS> {}

/**
 * Runs an application as a CGI program: answers the request that the process was started for.
 *
 * HTTP_PROXY is removed from `process.env`: the client sent it as `Proxy`, so it is no configuration (CVE-2016-5385).
 *
 * @param application The application, in any of its forms
 * @param options Options of the program
 * @returns the exit code, also set as `process.exitCode`: 1 if an error cut the response off, else 0
 * @throws TypeError or RangeError if the application or an option is invalid
 * @example
 * await runCgi((environ, startResponse) => {
 *   startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   return [Buffer.from(`Hello ${environ.REMOTE_ADDR}`)];
 * });
 */
export function runCgi(application: Application, options: RunCgiOptions = {}): Promise<number> {
  checkGatewayOptions(options, { ...CGI_OPTIONS, ...CGI_ENVIRON_OPTIONS });
  return answer(toApplication(application), options);
}

const HOST: CgiEnvironHost = {
  // RFC 3875 §4.2: standard input need not end.
  createInput: (length) => (length === undefined ? undefined : createStandardInput(length)),
  runsOnce: true,
  multiprocess: true,
};

async function answer(application: ApplicationFunction, options: RunCgiOptions): Promise<number> {
  delete process.env.HTTP_PROXY;
  const environ = createCgiEnviron(readVariables(), HOST, options);
  const isNph = options.nph ?? /(^|\/)nph-[^/]*$/.test(environ.SCRIPT_NAME);
  const sink = new CgiSink(process.stdout, isNph);
  const failure = tryPairs(environ, options.environ);
  await runApplication(failure ?? application, environ, sink, options);
  if (sink.exitCode !== 0) process.exitCode = sink.exitCode;
  return sink.exitCode;
}

/**
 * Gives the environment of the process as native strings.
 *
 * Node decodes it as UTF-8 with U+FFFD for what is none, so `process.env` has lost octets that a path may have. Linux
 * still has them: the raw value counts if `process.env` was made of it.
 */
function readVariables(): Record<string, string> {
  const raw = readRawVariables();
  const variables: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(process.env)) {
    const octets = raw.get(name);
    variables[name] = octets !== undefined && decodeNative(octets) === value ? octets : encodeNative(value);
  }
  return variables;
}
