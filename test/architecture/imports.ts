/** The graph of imports: what the rules about it find. */
import type { Import, SourceFile } from './source.ts';

/** Lists the ways by which files import themselves. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const { target } of byPath.get(path)?.imports ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of byPath.keys()) visit(path, []);
  return cycles;
}

/** Gives the files that a file imports, also by way of others, and itself. */
export function reachedFrom(
  path: string,
  byPath: ReadonlyMap<string, SourceFile>,
  follows: (one: Import) => boolean = () => true,
): Set<string> {
  const reached = new Set<string>();
  const visit = (target: string): void => {
    if (reached.has(target)) return;
    reached.add(target);
    for (const next of byPath.get(target)?.imports ?? []) if (follows(next)) visit(next.target);
  };
  visit(path);
  return reached;
}

/** Lists the files of src/messages that mounts reach. */
export function findMessagesInMounts(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const mounts = files.filter(({ path }) => /^bridges\/[^/]+\/to-[^/]+\.ts$/.test(path));
  return mounts.flatMap(({ path }) =>
    [...reachedFrom(path, byPath)]
      .filter((target) => target.startsWith('src/messages/'))
      .map((target) => `${path}: reaches ${target}`),
  );
}

/** Lists relative imports of files that do not exist. */
export function findMissing(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  return files.flatMap((file) =>
    file.imports
      .filter(({ specifier, target }) => {
        return specifier.startsWith('.') && !specifier.endsWith('.json') && !paths.has(target);
      })
      .map(({ specifier, line }) => `${file.path}:${line}: '${specifier}' is not a file`),
  );
}

/** Tells if an import is there at run time. */
export function isValueImport({ isTypeOnly }: Import): boolean {
  return !isTypeOnly;
}
