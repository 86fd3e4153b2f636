/**
 * Finds the file that a request asks for, below one directory.
 *
 * Rule 1: a path is judged segment by segment as it was received, so that `%2F` and `%5C` are no separators.
 * Rule 2: a path that is not canonical (`..`, `.`, empty segments) is not found: nothing is resolved, so nothing can escape.
 */
import type { Stats } from 'node:fs';
import { decodeNative, decodePath, encodeNative } from '../gateway/native-string.ts';
import { rawPathInfo } from '../gateway/uri.ts';
import type { Environ } from '../wsgi.ts';

/** A regular file. */
export interface FoundFile {
  /** Where it is, without symbolic links unless they may lead anywhere. */
  readonly path: string;
  readonly stats: Stats;
}

/** The result of a search. */
export type Finding =
  | { readonly kind: 'file'; readonly file: FoundFile }
  /** A directory with an index file, whose path lacks the slash at its end. */
  | { readonly kind: 'directory' }
  | { readonly kind: 'none' }
  | { readonly kind: 'forbidden' };

/** The settings of a search. */
export interface FinderSettings {
  readonly root: string;
  readonly index: readonly string[];
  readonly dotfiles: 'ignore' | 'deny' | 'allow';
  readonly symlinks: 'within' | 'follow' | 'ignore';
}

interface Modules {
  readonly fs: typeof import('node:fs').promises;
  readonly path: typeof import('node:path');
}

const NONE: Finding = { kind: 'none' };
const FORBIDDEN: Finding = { kind: 'forbidden' };

/** Errors that mean that there is no such file. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EINVAL', 'EISDIR']);

/** Searches one directory. */
export class FileFinder {
  readonly #settings: FinderSettings;
  readonly #modules: Modules;

  constructor(settings: FinderSettings, modules: Modules) {
    this.#settings = settings;
    this.#modules = modules;
  }

  async find(environ: Environ): Promise<Finding> {
    const segments = this.#segments(environ);
    if (segments === undefined) return NONE;
    const { dotfiles, index } = this.#settings;
    if (dotfiles !== 'allow' && segments.some((segment) => segment.startsWith('.'))) {
      return dotfiles === 'deny' ? FORBIDDEN : NONE;
    }
    try {
      const isDirectory = segments.at(-1) === '' || segments.length === 0;
      if (!isDirectory) {
        const found = await this.#look(segments);
        if (found === undefined) return NONE;
        if (found.stats.isFile()) return { kind: 'file', file: found };
        if (!found.stats.isDirectory()) return NONE;
      }
      const folder = segments.at(-1) === '' ? segments.slice(0, -1) : segments;
      for (const name of index) {
        const found = await this.#look([...folder, name]);
        if (!found?.stats.isFile()) continue;
        const hasSlash = (environ.PATH_INFO ?? '').endsWith('/');
        return hasSlash ? { kind: 'file', file: found } : { kind: 'directory' };
      }
      return NONE;
    } catch (error) {
      const { code }: { code?: unknown } = Object(error);
      if (code === 'EACCES' || code === 'EPERM') return FORBIDDEN;
      throw error;
    }
  }

  /** Gives a file beside another one: its name, and an end. */
  async beside({ path }: FoundFile, end: string): Promise<FoundFile | undefined> {
    const found = await this.#stat(`${path}${end}`);
    return found?.stats.isFile() ? found : undefined;
  }

  /** Gives the segments of the path; undefined if there cannot be such a file. */
  #segments(environ: Environ): string[] | undefined {
    const raw = rawPathInfo(environ);
    if (raw === '') return [];
    const [first, ...parts] = raw.split('/');
    if (first !== '') return undefined;
    const segments: string[] = [];
    for (const [at, part] of parts.entries()) {
      const octets = decodePath(part);
      const segment = decodeNative(octets);
      // Octets that are not UTF-8 name no file.
      if (encodeNative(segment) !== octets) return undefined;
      const isLast = at === parts.length - 1;
      if (segment === '' ? !isLast : !this.#isName(segment)) return undefined;
      segments.push(segment);
    }
    return segments;
  }

  #isName(segment: string): boolean {
    if (segment === '.' || segment === '..' || /[/\\\0]/.test(segment)) return false;
    // Drives, streams, devices, and names that Windows shortens.
    return (
      this.#modules.path.sep === '/' ||
      !/[:*?"<>|~]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(segment)
    );
  }

  async #look(segments: readonly string[]): Promise<FoundFile | undefined> {
    return this.#stat(this.#modules.path.join(this.#settings.root, ...segments));
  }

  async #stat(path: string): Promise<FoundFile | undefined> {
    const { fs, path: paths } = this.#modules;
    const { root, symlinks } = this.#settings;
    try {
      if (symlinks === 'follow') return { path, stats: await fs.stat(path) };
      const [realRoot, real] = await Promise.all([fs.realpath(root), fs.realpath(path)]);
      const below = paths.relative(realRoot, real);
      const isWithin = below !== '..' && !below.startsWith(`..${paths.sep}`) && !paths.isAbsolute(below);
      const isPlain = real === paths.join(realRoot, paths.relative(root, path)) || real === path;
      if (!isWithin || (symlinks === 'ignore' && !isPlain)) return undefined;
      return { path: real, stats: await fs.stat(real) };
    } catch (error) {
      const { code }: { code?: unknown } = Object(error);
      if (typeof code === 'string' && MISSING.has(code)) return undefined;
      throw error;
    }
  }
}
