/**
 * FastCGI → gateway: makes an application of a responder such as php-fpm.
 *
 * responder-pool.ts keeps the connections, responder-request.ts is one request, php-scripts.ts finds scripts. What CGI does alike is
 * in bridges/_cgi, the order of events in answer-by-program.ts there.
 */
import { resolve } from 'node:path';
import {
  checkOptions,
  folderLocation,
  isPromise,
  type OptionsOf,
  pairsOf,
  type SettingsOf,
  settingsOf,
} from '../../src/gateway/index.ts';
import {
  type Application,
  type ApplicationFunction,
  type Body,
  type Environ,
  type EnvironPairs,
  type StartResponse,
  toApplication,
} from '../../src/index.ts';
import { answerByProgram, type ProgramRunner, programLog } from '../_cgi/answer-by-program.ts';
import { addVariables, type MetaVariables, uncheckedVariables } from '../_cgi/meta-variables.ts';
import { openContent, type RequestContent } from '../_cgi/request-content.ts';
import { ParameterWriter, type WrittenParameters } from './parameters.ts';
import { type Finding, type FoundScript, isHidden, ScriptFinder } from './php-scripts.ts';
import { ResponderPool } from './responder-pool.ts';
import { ResponderRequest } from './responder-request.ts';

/** The options of `fromFastCgi`. */
export const FASTCGI_CLIENT_OPTIONS = {
  /** The unix socket of the responder, such as `/run/php/php8.2-fpm.sock`. */
  path: { type: 'text', example: "'/run/php/php8.2-fpm.sock'" },
  /** The TCP port of the responder, in place of `path`. */
  port: { type: 'port', example: '9000' },
  /** The host of the port. */
  host: { type: 'text', default: '127.0.0.1' },
  /** The folder of PHP scripts. A path runs the script that it names, if that is a file below the folder. */
  root: { type: 'text' },
  /** The script that answers for a folder below `root`. */
  index: { type: 'text', default: 'index.php' },
  /** The front controller that answers every request: a path below `root`. Nothing else runs, and nothing is looked up. */
  script: { type: 'text' },
  /** The front controller that answers requests for which there is no script below `root`. Without it they get a 404. */
  fallback: { type: 'text' },
  /** Symbolic links below `root` may lead to scripts below it (`'within'`), or anywhere. */
  symlinks: { type: ['within', 'follow'], default: 'within' },
  /** `staticFiles(root)`, or another middleware that is asked first. It is not asked for sources of PHP and names that begin with a dot. */
  files: { type: 'function' },
  /**
   * Pairs of the environ for this program alone, or a function of the environ that gives them: `(environ) => ({ REMOTE_USER:
   * environ['app.user'] })`. They become parameters, over those of the request. `wsgi.errors` takes what the program writes to standard error.
   */
  environ: { type: 'environ pairs' },
  /** The program gets the field Authorization, because it authenticates users itself. */
  authorization: { type: 'boolean', default: false },
  /**
   * Programs need the length of content. Content of unknown length, as in the chunked coding, is taken in first (`'buffer'`), or reaches
   * the program as it comes and without CONTENT_LENGTH (`'stream'`), for programs that read to the end. PHP does not.
   */
  unknownLength: { type: ['buffer', 'stream'], default: 'buffer' },
  /** Octets of content that are taken in, in a temporary file if they are many. More gets a 413. */
  maxBufferedContent: { type: 'octets', default: 268_435_456 },
  /** Octets of the head of a response. */
  maxHeadSize: { type: 'octets', default: 65_536 },
  /** The responder must accept a connection in this many milliseconds, or the client gets a 504. */
  connectTimeout: { type: 'milliseconds', default: 5_000 },
  /** The responder may give no sign of life for this many milliseconds; then the client gets a 504. 0 means any time. */
  timeout: { type: 'milliseconds', default: 60_000 },
  /** At most this many connections are open at the same time. */
  maxConnections: { type: 'count', default: 16, least: 1 },
  /** At most this many requests wait for a connection. Others get a 503 with `Retry-After`. */
  maxQueued: { type: 'count', default: 128 },
  /** A request waits this many milliseconds for a connection, then it gets a 503 with `Retry-After`. */
  queueTimeout: { type: 'milliseconds', default: 10_000 },
  /**
   * At most this many connections stay open without a request. Each keeps a child of php-fpm from others. For speed set this and
   * `maxConnections` to the share of this process in `pm.max_children`.
   */
  keepAlive: { type: 'count', default: 0 },
  /** A connection stays open this many milliseconds without a request. */
  keepAliveTimeout: { type: 'milliseconds', default: 1_000 },
  /** At most this many requests share a connection, if the responder says that it can (FCGI_MPXS_CONNS). A slow client then holds up the others. php-fpm cannot. */
  multiplex: { type: 'count', default: 1, least: 1, most: 65_535 },
  /** The application that answers local redirects (RFC 3875 §6.2.2) to paths outside of the mount. By default the client is redirected. */
  localRedirect: { type: 'application' },
} as const;

/** Options of {@link fromFastCgi}. */
export interface FromFastCgiOptions extends OptionsOf<typeof FASTCGI_CLIENT_OPTIONS> {
  readonly files?: ((application: Application) => ApplicationFunction) | undefined;
}

type Settings = SettingsOf<typeof FASTCGI_CLIENT_OPTIONS>;

/** The application that {@link fromFastCgi} makes. */
export interface FastCgiApplication extends AsyncDisposable {
  (environ: Environ, startResponse: StartResponse): Body | Promise<Body>;
  /** Lets requests under way end, then closes the connections. Later requests get a 502. */
  close(): Promise<void>;
}

/**
 * Makes an application of a FastCGI responder, such as php-fpm.
 *
 * Errors of the responder are an `UpstreamError`: 502 if it cannot be reached, or its response is no CGI; 504 if it does not
 * answer in time; 503 if too many requests wait for it.
 *
 * @param options Where the responder listens, and the scripts that it runs
 * @returns the application
 * @throws TypeError or RangeError if an option is invalid
 * @example
 * const blog = fromFastCgi({ path: '/run/php/php8.2-fpm.sock', root: '/srv/blog/public', fallback: 'index.php' });
 * express().use('/blog', toExpress(blog)).listen(8124);
 */
export function fromFastCgi(options: FromFastCgiOptions): FastCgiApplication {
  checkOptions(options, FASTCGI_CLIENT_OPTIONS, { likely: 'path', meant: SYNONYMS });
  if ((options.path === undefined) === (options.port === undefined))
    throw new TypeError("Options must have either path, such as '/run/php/php8.2-fpm.sock', or port");
  if (options.fallback !== undefined && options.root === undefined)
    throw new TypeError('Option fallback needs root, the folder of the scripts');
  if (/[/\\]/.test(options.index ?? ''))
    throw new RangeError('Option index must be the name of a file, without a folder');
  const client = new Client(settingsOf(FASTCGI_CLIENT_OPTIONS, options));
  const program: ApplicationFunction = (environ, startResponse) => {
    return answerByProgram(client, environ, startResponse);
  };
  const withFiles = options.files?.(program);
  const application = (environ: Environ, startResponse: StartResponse): Body | Promise<Body> => {
    const first = withFiles === undefined || isHidden(environ.PATH_INFO) ? program : withFiles;
    return first(environ, startResponse);
  };
  const close = (): Promise<void> => client.pool.close();
  return Object.assign(application, { close, [Symbol.asyncDispose]: close });
}

/** Names that others have for the options. */
const SYNONYMS = {
  socket: 'path',
  socketPath: 'path',
  hostname: 'host',
  documentRoot: 'root',
  frontController: 'script',
  static: 'files',
} as const;

/** Sends requests to one responder. */
class Client implements ProgramRunner {
  readonly maxHeadSize: number;
  readonly pool: ResponderPool;
  readonly elsewhere: ApplicationFunction | undefined;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #scripts: ScriptFinder | undefined;
  readonly #parameters = new ParameterWriter();

  constructor(settings: Settings) {
    const { path, host, port, root, script, localRedirect } = settings;
    this.#settings = settings;
    this.maxHeadSize = settings.maxHeadSize;
    this.elsewhere = localRedirect === undefined ? undefined : toApplication(localRedirect);
    this.#name = path ?? `${host}:${port}`;
    const address = path === undefined ? { host, port: Number(port) } : { path: resolve(path) };
    this.pool = new ResponderPool({ ...settings, address, name: this.#name });
    this.#scripts = root === undefined && script === undefined ? undefined : new ScriptFinder(settings);
  }

  /** Nothing waits that need not: a request without content for a front controller is sent in the same turn. */
  start(environ: Environ): Started | Promise<Started> {
    // At the root of the host, no path is the same as `/`.
    const path = environ.SCRIPT_NAME === '' ? environ.PATH_INFO || '/' : environ.PATH_INFO;
    const finding = this.#scripts?.find(path);
    return isPromise(finding)
      ? finding.then((found) => this.#answer(environ, found))
      : this.#answer(environ, finding);
  }

  #answer(environ: Environ, finding: Finding | undefined): Started | Promise<Started> {
    if (finding?.kind === 'directory') return redirectToFolder;
    if (finding?.kind === 'nothing') return answerNotFound;
    const settings = this.#settings;
    const pairs = settings.environ === undefined ? NO_PAIRS : pairsOf(settings.environ, environ);
    const variables = uncheckedVariables(environ, settings);
    if (finding !== undefined) addScript(variables, finding);
    this.pool.assertRoom();
    const content = openContent(environ, {
      isStreamed: settings.unknownLength === 'stream',
      maxBuffered: settings.maxBufferedContent,
    });
    const send = (opened: RequestContent): ResponderRequest => {
      return this.#send({ environ, pairs, variables, content: opened });
    };
    return isPromise(content) ? content.then(send) : send(content);
  }

  #send({ environ, pairs, variables, content }: PreparedRequest): ResponderRequest {
    let parameters: WrittenParameters;
    try {
      // php-fpm reads nothing without it.
      if (content.length) variables.set('CONTENT_LENGTH', `${content.length}`);
      addVariables(variables, pairs);
      parameters = this.#parameters.write(variables);
    } catch (error) {
      void content.close().catch(() => {});
      throw error;
    }
    const request = new ResponderRequest({
      responder: this.#name,
      parameters,
      content,
      timeout: this.#settings.timeout,
      signal: environ['gateway.signal'],
      makeLog: () => programLog(environ, pairs, this.#name),
    });
    this.pool.send(request);
    return request;
  }
}

/** A request that can be sent. */
interface PreparedRequest {
  readonly environ: Environ;
  readonly pairs: EnvironPairs;
  readonly variables: MetaVariables;
  readonly content: RequestContent;
}

/** A request that runs, or what answers in its place. */
type Started = ResponderRequest | ApplicationFunction;

/** Adds the parameters of a script, as servers do for PHP. */
function addScript(variables: MetaVariables, { file, root, name, pathInfo }: FoundScript): void {
  variables.set('SCRIPT_FILENAME', file);
  variables.set('DOCUMENT_ROOT', root);
  variables.set('SCRIPT_NAME', `${variables.get('SCRIPT_NAME')}${name}`);
  variables.set('PATH_INFO', pathInfo);
  // PHP with `cgi.fix_pathinfo = 0` would run the file that it names in place of the script.
  variables.delete('PATH_TRANSLATED');
  // PHP as a CGI program demands it (cgi.force_redirect).
  variables.set('REDIRECT_STATUS', '200');
}

const NO_PAIRS: EnvironPairs = {};

const redirectToFolder: ApplicationFunction = (environ, startResponse) => {
  startResponse('301 Moved Permanently', [['Location', folderLocation(environ)]]);
  return [];
};

const answerNotFound: ApplicationFunction = (_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  return [Buffer.from('Not Found\n')];
};
