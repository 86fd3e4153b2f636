/** Serves the files of a directory. */
import { toApplication } from '../gateway/application.ts';
import { checkOption } from '../gateway/check-options.ts';
import { describe } from '../gateway/describe.ts';
import { isFieldValue } from '../gateway/headers.ts';
import { encodeNative, quotePath } from '../gateway/native-string.ts';
import { type OptionsOf, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { folderLocation } from '../gateway/uri.ts';
import type { ApplicationFunction, Body, Environ, HeaderList, StartResponse } from '../wsgi.ts';
import { chooseCoding } from './accept-encoding.ts';
import { answerText } from './answer.ts';
import { builtin } from './builtin.ts';
import { FileFinder, type FoundFile } from './file-finder.ts';
import { type OpenFile, sendFile } from './file-response.ts';
import { checkLayerOptions } from './layer-options.ts';
import { mediaType } from './media-types.ts';
import type { Middleware } from './middleware.ts';

/** The options of `staticFiles`. */
export const STATIC_FILES_OPTIONS = {
  /** Requests for other paths, and with other methods than GET and HEAD, go to the inner application. False: they get a 404, 403 or 405. */
  fallthrough: { type: 'boolean', default: true },
  /** Files that answer for a directory. A path without the slash at its end is redirected. */
  index: { type: 'names', default: ['index.html'] },
  /** Requested names that begin with a dot: not found, refused with 403 (also before the inner application), or served. */
  dotfiles: { type: ['ignore', 'deny', 'allow'], default: 'ignore' },
  /** Symbolic links that are followed: those that stay within the directory, all, or none. */
  symlinks: { type: ['within', 'follow', 'ignore'], default: 'within' },
  /** Codings of the compressed files that lie beside the others, the best one first: `br` (.br), `zstd` (.zst), `gzip` (.gz). */
  precompressed: { type: 'names', default: [] },
  /** Cache-Control, such as `public, max-age=31536000, immutable`. */
  cacheControl: { type: 'field value' },
  /** The most ranges of one request. With more it gets the whole file. */
  maxRanges: { type: 'count', default: 10 },
  /** Called with the path of a file; gives its Content-Type. Without it, or if it gives nothing: by the end of the name. */
  contentType: { type: 'function' },
  /** The server in front sends the file: it gets the file's path in X-Sendfile, or a URI in X-Accel-Redirect. */
  sendfile: { type: ['X-Sendfile', 'X-Accel-Redirect'] },
  /** The internal location of nginx that is an alias of the directory, for X-Accel-Redirect. */
  sendfilePrefix: { type: 'text', default: '/' },
} as const;

/** Options of {@link staticFiles}. */
export interface StaticFilesOptions extends OptionsOf<typeof STATIC_FILES_OPTIONS> {
  readonly contentType?: ((path: string) => string | false | undefined) | undefined;
}

/** The ends of precompressed files. */
const ENDS: Readonly<Record<string, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };

/**
 * Serves the files of a directory to GET and HEAD: with ETag and Last-Modified, conditions (RFC 9110 §13) and ranges (§14). What is
 * not found goes to the inner application.
 *
 * Only regular files below the directory are served, by canonical paths.
 *
 * @param root The directory
 * @param options What is served, and how
 * @throws TypeError or RangeError if an option is wrong, Error where there is no `node:fs`
 * @example
 * const site = staticFiles('public', { cacheControl: 'public, max-age=3600' })(application);
 */
export function staticFiles(root: string, options: StaticFilesOptions = {}): Middleware {
  if (typeof root !== 'string' || root === '') {
    const cure = Object(root) instanceof URL ? ': pass fileURLToPath(url)' : '';
    throw new TypeError(`Root must be the path of a directory, not ${describe(root)}${cure}`);
  }
  checkLayerOptions(options, STATIC_FILES_OPTIONS);
  const settings = settingsOf(STATIC_FILES_OPTIONS, options);
  for (const name of settings.precompressed) checkOption('precompressed', name, { type: Object.keys(ENDS) });
  const { promises: fs, constants } = builtin('node:fs', 'staticFiles()');
  const path = builtin('node:path', 'staticFiles()');
  const { index, dotfiles, symlinks } = settings;
  const directory = path.resolve(root);
  const files = new StaticFiles({
    settings,
    typeOf: (file) => options.contentType?.(file) || mediaType(file) || 'application/octet-stream',
    finder: new FileFinder({ root: directory, index, dotfiles, symlinks }, { fs, path }),
    // A FIFO in the place of a file must not hold up a thread.
    open: (file) => fs.open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)),
    uriOf: async (file) => {
      const below = path.relative(symlinks === 'follow' ? directory : await fs.realpath(directory), file);
      return `${settings.sendfilePrefix.replace(/\/*$/, '/')}${below.split(path.sep).join('/')}`;
    },
  });
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => files.answer(environ, startResponse, inner);
  };
}

interface StaticParts {
  readonly settings: SettingsOf<typeof STATIC_FILES_OPTIONS>;
  readonly finder: FileFinder;
  readonly open: OpenFile;
  typeOf(path: string): string;
  uriOf(path: string): Promise<string>;
}

class StaticFiles {
  readonly #parts: StaticParts;

  constructor(parts: StaticParts) {
    this.#parts = parts;
  }

  answer(environ: Environ, startResponse: StartResponse, inner: ApplicationFunction): Body | Promise<Body> {
    const isRead = environ.REQUEST_METHOD === 'GET' || environ.REQUEST_METHOD === 'HEAD';
    if (isRead) return this.#find(environ, startResponse, inner);
    if (this.#parts.settings.fallthrough) return inner(environ, startResponse);
    return answerText(environ, startResponse, { statusCode: 405, headers: [['Allow', 'GET, HEAD']] });
  }

  async #find(environ: Environ, startResponse: StartResponse, inner: ApplicationFunction): Promise<Body> {
    const { finder, settings } = this.#parts;
    const finding = await finder.find(environ);
    if (finding.kind === 'file') return this.#send(finding.file, environ, startResponse);
    if (finding.kind === 'directory') return redirect(environ, startResponse);
    const isDenied = finding.kind === 'forbidden' && settings.dotfiles === 'deny';
    if (settings.fallthrough && !isDenied) return inner(environ, startResponse);
    return answerText(environ, startResponse, { statusCode: finding.kind === 'forbidden' ? 403 : 404 });
  }

  async #send(file: FoundFile, environ: Environ, startResponse: StartResponse): Promise<Body> {
    const { settings, typeOf, open } = this.#parts;
    const fields: HeaderList = [['Content-Type', typeOf(file.path)]];
    if (settings.cacheControl !== undefined) fields.push(['Cache-Control', settings.cacheControl]);
    const { sent, coding, varies } = await this.#choose(file, environ);
    if (varies) fields.push(['Vary', 'Accept-Encoding']);
    if (coding !== undefined) fields.push(['Content-Encoding', coding]);
    const inFront = await this.#sendfileField(sent.path);
    return sendFile({ environ, startResponse, file: sent, coding, fields, open, inFront, ...settings });
  }

  async #sendfileField(path: string): Promise<HeaderList[number] | undefined> {
    const { sendfile } = this.#parts.settings;
    if (sendfile === undefined) return undefined;
    if (sendfile === 'X-Accel-Redirect') {
      return [sendfile, quotePath(encodeNative(await this.#parts.uriOf(path)))];
    }
    const value = encodeNative(path);
    // A path that no field can carry is sent from here.
    return isFieldValue(value) ? [sendfile, value] : undefined;
  }

  /** Chooses between a file and its coded variants. One that is older than the file is out of date. */
  async #choose(file: FoundFile, environ: Environ) {
    const { precompressed, sendfile } = this.#parts.settings;
    // A server in front drops Content-Encoding (nginx, mod_xsendfile), and can choose a coding itself (`gzip_static`).
    if (sendfile !== undefined) return { sent: file, coding: undefined, varies: false };
    const variants = new Map<string, FoundFile>();
    for (const coding of precompressed) {
      const variant = await this.#parts.finder.beside(file, ENDS[coding] ?? '');
      if (variant !== undefined && variant.stats.mtimeMs >= file.stats.mtimeMs) variants.set(coding, variant);
    }
    const coding = chooseCoding(environ.HTTP_ACCEPT_ENCODING, [...variants.keys()]);
    const sent = (coding === undefined ? undefined : variants.get(coding)) ?? file;
    return { sent, coding, varies: variants.size > 0 };
  }
}

/** Redirects to the same path with a slash at its end. */
function redirect(environ: Environ, startResponse: StartResponse): Body {
  const headers: HeaderList = [['Location', folderLocation(environ)]];
  return answerText(environ, startResponse, { statusCode: 301, headers });
}
