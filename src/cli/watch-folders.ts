/** Watches folders for changes of files. */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { basename, join } from 'node:path';

/** Folders that hold nothing a person edits. */
const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage']);

/** Milliseconds without a further change: an editor writes a file in several steps. */
const QUIET = 100;

/**
 * Watches folders with all folders below them, and single files. Folders that begin with a dot, and those of packages and of
 * compiled code, are left out.
 *
 * @param onChange Called with the path of a changed file, once for changes that come together
 * @returns `close` ends it
 */
export function watchFolders(paths: readonly string[], onChange: (path: string) => void): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const tell = (path: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(path), QUIET);
  };
  const add = (path: string): void => {
    if (watchers.has(path)) return;
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
    if (isFolder === undefined) return;
    let watcher: FSWatcher;
    try {
      watcher = watch(path, (_event, name) => {
        const changed = isFolder && name !== null ? join(path, name) : path;
        if (isSkipped(basename(changed))) return;
        // A new folder is watched from now on.
        if (isFolder && statSync(changed, { throwIfNoEntry: false })?.isDirectory() === true) add(changed);
        tell(changed);
      });
    } catch {
      // The system watches no more of them.
      return;
    }
    watcher.on('error', () => {
      watcher.close();
      watchers.delete(path);
    });
    watchers.set(path, watcher);
    if (!isFolder) return;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !isSkipped(entry.name)) add(join(path, entry.name));
    }
  };
  for (const path of paths) add(path);
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** Editors write files beside the one that they save: `.name.swp`, `name~`, `4913` of Vim. */
function isSkipped(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name === '4913' || SKIPPED.has(name);
}
