/**
 * Finds the script of PHP that answers a request, as nginx's try_files and fastcgi_split_path_info do.
 *
 * Rule 1: a script runs only if it is a file with an ending of scripts, below the root, also once symbolic links are followed. So an upload
 *         `/photo.jpg` never runs as `/photo.jpg/x.php`, whatever `cgi.fix_pathinfo` of PHP says.
 * Rule 2: no name that begins with a dot is looked up, and no path with a segment `.` or `..`. Behind a script other dots are part of
 *         PATH_INFO: `/index.php/.NET` is a page of a wiki.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { decodeNative, encodeNative, UpstreamError } from '../../src/index.ts';

/** A script, with the parts of the path around it: native strings, for parameters. */
export interface FoundScript {
  readonly kind: 'script';
  /** The path of the file, and that of the root: canonical, unless symbolic links are followed. */
  readonly file: string;
  readonly root: string;
  /** The path of the script below the mount: `/blog/index.php`. */
  readonly name: string;
  /** The rest of the path. */
  readonly pathInfo: string;
}

/** The result of a search. A directory has a script for its index, and lacks the slash at the end. */
export type Finding = FoundScript | { readonly kind: 'directory' } | { readonly kind: 'nothing' };

/** Settings of {@link ScriptFinder}. */
export interface ScriptOptions {
  readonly root: string | undefined;
  /** Answers every request. */
  readonly script: string | undefined;
  /** Answers requests for which there is no script. */
  readonly fallback: string | undefined;
  /** Answers for a directory. */
  readonly index: string;
  /** Where a symbolic link may lead: below the root, or anywhere. */
  readonly symlinks: 'within' | 'follow';
}

const ENDING = '.php';

/** Names that servers of PHP run, and copies that editors leave of them. */
const SOURCE = /\.(?:php|phtml|pht|phar|phps|inc)(?![a-z])/i;

/** Tells if a path names a source of PHP, or what begins with a dot: neither is sent as a file. `/.well-known/` may be (RFC 8615). */
export function isHidden(path: string): boolean {
  const segments = path.replace(/^\/\.well-known(?=\/)/, '').split('/');
  return segments.some((segment) => segment.startsWith('.') || SOURCE.test(segment));
}

/** Finds scripts below one root. */
export class ScriptFinder {
  readonly root: string;
  readonly #options: ScriptOptions;
  /** The front controller. */
  readonly #controller: Omit<FoundScript, 'pathInfo'> | undefined;

  constructor(options: ScriptOptions) {
    this.#options = options;
    const { root, script, fallback } = options;
    this.root = resolve(root ?? dirname(script ?? '.'));
    const controller = script ?? fallback;
    if (controller !== undefined) this.#controller = this.#describe(controller);
  }

  /** @param path The path below the mount, a native string */
  find(path: string): Finding | Promise<Finding> {
    const controller = this.#controller;
    if (controller !== undefined && this.#options.script !== undefined) return controlledBy(controller, path);
    return this.#search(path);
  }

  async #search(path: string): Promise<Finding> {
    const found = await this.#look(path);
    if (found.kind !== 'nothing') return found;
    if (this.#controller !== undefined) return controlledBy(this.#controller, path);
    await this.#assertRoot();
    return found;
  }

  /** Otherwise each request would get a 404, and nobody would learn why. @throws UpstreamError */
  async #assertRoot(): Promise<void> {
    try {
      await realpath(this.root);
    } catch (cause) {
      const detail = `folder ${this.root} (option root) does not exist, or may not be read`;
      throw new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', detail, { cause });
    }
  }

  /** php-fpm may have it in a file system of its own. */
  #describe(script: string): Omit<FoundScript, 'pathInfo'> {
    const isBelow = script.startsWith(`${this.root}${sep}`);
    const file = isBelow
      ? script
      : join(this.root, this.#options.root === undefined ? basename(script) : script);
    const name = encodeNative(file.slice(this.root.length).split(sep).join('/'));
    return { kind: 'script', file: encodeNative(file), root: encodeNative(this.root), name };
  }

  async #look(path: string): Promise<Finding> {
    // The mount itself.
    if (path === '') return this.#lookForIndex(path);
    const segments = path.split('/').slice(1);
    if (!path.startsWith('/') || path.includes('\0') || segments.some((one) => one === '.' || one === '..'))
      return NOTHING;
    if (segments.some((one) => one.includes('\\') && sep === '\\')) return NOTHING;
    for (let count = 1; count <= segments.length; count += 1) {
      const segment = segments[count - 1] ?? '';
      if (segment.startsWith('.')) return NOTHING;
      if (!segment.endsWith(ENDING)) continue;
      // A link to `//name` would lead to another host.
      const name = `/${segments.slice(0, count).filter(Boolean).join('/')}`;
      const place = await this.#placeOf(name);
      if (place === undefined) continue;
      const rest = segments.slice(count).map((one) => `/${one}`);
      return { kind: 'script', ...place, name, pathInfo: rest.join('') };
    }
    return this.#lookForIndex(path);
  }

  async #lookForIndex(path: string): Promise<Finding> {
    const isWhole = path.endsWith('/');
    const name = `${isWhole ? path : `${path}/`}${this.#options.index}`.replace(/\/{2,}/g, '/');
    const place = await this.#placeOf(name);
    if (place === undefined) return NOTHING;
    return isWhole ? { kind: 'script', ...place, name, pathInfo: '' } : { kind: 'directory' };
  }

  /** Finds the file of a script. */
  async #placeOf(name: string): Promise<Pick<FoundScript, 'file' | 'root'> | undefined> {
    const text = decodeNative(name);
    // Octets that are not UTF-8 name no file that node could name again.
    if (encodeNative(text) !== name) return undefined;
    const named = join(this.root, text);
    try {
      const [root, file] = await Promise.all([realpath(this.root), realpath(named)]);
      if (extname(file) !== ENDING || !(await stat(file)).isFile()) return undefined;
      if (this.#options.symlinks === 'follow')
        return { file: encodeNative(named), root: encodeNative(this.root) };
      const isBelow = file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
      return isBelow ? { file: encodeNative(file), root: encodeNative(root) } : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The path may name the front controller too. */
function controlledBy(controller: Omit<FoundScript, 'pathInfo'>, path: string): FoundScript {
  const { file, root, name } = controller;
  const isNamed = path === name || path.startsWith(`${name}/`);
  return { kind: 'script', file, root, name, pathInfo: isNamed ? path.slice(name.length) : '' };
}

const NOTHING = { kind: 'nothing' } as const;
