/**
 * Judges the names of options that a server does not have.
 *
 * A server may be given the options of another one: Fastify passes all of its own to a `serverFactory`. So an unknown
 * name is an error only if its silent loss is dangerous, such as plain HTTP where HTTPS was meant. All other names are
 * told in one warning.
 */
import { unknownOptions } from '../gateway/check-options.ts';
import { likelyName, lookUp } from '../gateway/likely-name.ts';

const TLS = 'Serve HTTPS with the option tls: { key, cert }';

/** Names whose silent loss is dangerous, and what to write instead. */
const DANGEROUS: Readonly<Record<string, string>> = {
  key: TLS,
  cert: TLS,
  pfx: TLS,
  ca: TLS,
  crl: TLS,
  passphrase: TLS,
  requestCert: TLS,
  rejectUnauthorized: TLS,
  secureContext: TLS,
  SNICallback: TLS,
  pskCallback: TLS,
  https: TLS,
  ssl: TLS,
  secure: TLS,
  hostname: 'The address to listen on is the option host',
  address: 'The address to listen on is the option host',
  bind: 'The address to listen on is the option host',
  socketPath: 'The path of a unix socket is the option path',
};

const ELSEWHERE = 'createServer does not listen; pass it to listen(), or use serve';

/** Options of `serve` that `createServer` cannot obey. */
const PLACES: Readonly<Record<string, string>> = {
  port: ELSEWHERE,
  host: ELSEWHERE,
  path: ELSEWHERE,
  fd: ELSEWHERE,
};

/** Names of other servers for the same thing. */
const SYNONYMS: Readonly<Record<string, string>> = {
  bodyLimit: 'maxBodySize',
  limit: 'maxBodySize',
  maxRequestBodySize: 'maxBodySize',
  maxPayload: 'maxBodySize',
  idleTimeout: 'keepAliveTimeout',
  connectionTimeout: 'timeout',
  headerTimeout: 'headersTimeout',
  maxHeaders: 'maxHeadersCount',
  backlog: 'listen({ backlog })',
};

/**
 * Judges all unknown names.
 *
 * @param options The options that a deployer passed
 * @param known Rules by name
 * @throws TypeError for a name whose silent loss is dangerous; it names the right one
 */
export function judgeUnknownOptions(options: object, known: Readonly<Record<string, unknown>>): void {
  const unknown = unknownOptions(options, known).filter((name) => {
    const advice = lookUp(DANGEROUS, name) ?? lookUp(PLACES, name);
    if (advice === undefined) return true;
    const value: unknown = Reflect.get(options, name);
    // `https: false` asks for what we do.
    if (value === null || value === false) return false;
    const error = new TypeError(`Option ${name} is unknown here. ${advice}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  });
  if (unknown.length === 0) return;
  const list = unknown.map((name) => describeUnknown(name, Object.keys(known))).join(', ');
  process.emitWarning(`The server does not know these options and ignores them: ${list}`, {
    type: 'GatebridgeWarning',
    code: 'WSGI_WARN_OPTION_UNKNOWN',
  });
}

function describeUnknown(name: string, known: readonly string[]): string {
  const likely = likelyName(name, known, SYNONYMS);
  return likely === undefined ? name : `${name} (did you mean ${likely}?)`;
}
