/** Watches folders for changes of files. */
import { type Dirent, type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** Folders that hold nothing a person edits. */
const SKIPPED = new Set([
  ...['node_modules', 'dist', 'build', 'coverage'],
  // Of Python: what is installed, and what is compiled.
  ...['venv', 'site-packages', '__pycache__'],
]);

/** Files of code and of settings. Others, such as logs, uploads and databases, change while the application runs. */
const KINDS = new Set(
  '.ts .mts .cts .tsx .js .mjs .cjs .jsx .json .wasm .env .yaml .yml .toml .html .ejs .hbs .pug .py .jinja2 .j2'.split(
    ' ',
  ),
);

/** Milliseconds without a further change: an editor writes a file in several steps. */
const QUIET = 100;

/**
 * Watches folders with all folders below them, and single files. Folders that begin with a dot, and those of packages and of
 * compiled code, are left out.
 */
export class FolderWatch {
  readonly #onChange: (path: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Files that count whatever their kind. */
  readonly #files = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param paths Folders and files
   * @param onChange Called with the path of a changed file, once for changes that come together
   */
  constructor(paths: readonly string[], onChange: (path: string) => void) {
    this.#onChange = onChange;
    for (const path of paths) {
      if (isFolder(path)) this.#add(path, true);
      else {
        this.#files.add(path);
        // Editors replace a file by another one; its folder sees that.
        this.#add(dirname(path), false);
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  #add(folder: string, isWhole: boolean): void {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) this.#onEvent(join(folder, name), isWhole);
      });
      watcher.on('error', () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // The system watches no more folders.
      return;
    }
    if (!isWhole) return;
    for (const entry of entriesOf(folder)) {
      if (entry.isDirectory() && !isSkipped(entry.name)) this.#add(join(folder, entry.name), true);
    }
  }

  /** A folder with nothing that counts, such as one for uploads, is no change. */
  #hasWanted(folder: string): boolean {
    return entriesOf(folder).some(({ name }) => {
      const path = join(folder, name);
      if (isSkipped(name)) return false;
      return this.#watchers.has(path) ? this.#hasWanted(path) : KINDS.has(extname(name));
    });
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #onEvent(path: string, isWhole: boolean): void {
    const isWanted =
      this.#files.has(path) || (isWhole && !isSkipped(basename(path)) && KINDS.has(extname(path)));
    if (isWanted) this.#tell(path);
    // Files that a new folder has by now may be in use too.
    else if (isWhole && isFolder(path) && !isSkipped(basename(path))) {
      this.#forget(path);
      this.#add(path, true);
      if (this.#hasWanted(path)) this.#tell(path);
    }
  }

  #tell(path: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onChange(path), QUIET);
  }
}

/** Nothing, if the folder has just gone or may not be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Hidden folders are those of tools: version control, editors, caches. */
function isSkipped(name: string): boolean {
  return name.startsWith('.') || SKIPPED.has(name);
}
