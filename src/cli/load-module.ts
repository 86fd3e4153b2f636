/**
 * Loads a module of the user: JavaScript of both kinds, and TypeScript.
 *
 * Node loads TypeScript itself from 22.18 on. Elsewhere, and for JSX, tsx of the user's own project does.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isError } from '../errors.ts';
import { likelyName } from '../gateway/likely-name.ts';
import { CommandError } from './exit-codes.ts';
import { placeOfSyntaxError } from './syntax-place.ts';
import { userStack } from './user-stack.ts';
import { whileLoading } from './while-loading.ts';

/** A module's exports. */
export type Exports = Readonly<Record<string, unknown>>;

const EXTENSIONS = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs'];
const TYPESCRIPT = ['.ts', '.mts', '.cts', '.tsx', '.jsx'];

/**
 * Finds the file that a person names: with or without its extension, or a folder with an index.
 *
 * @throws {@link CommandError} that names the nearest file if there is none
 */
export function findModule(named: string, folder: string): string {
  const path = join(named.startsWith('/') ? '' : folder, named);
  for (const candidate of [path, ...EXTENSIONS.map((extension) => path + extension)]) {
    if (existsSync(candidate) && statSync(candidate).isFile()) return candidate;
  }
  const index = EXTENSIONS.map((extension) => join(path, `index${extension}`)).find((file) =>
    existsSync(file),
  );
  if (index !== undefined) return index;
  const found = findPackage(named, folder);
  if (found !== undefined) return found;
  if (existsSync(path) && statSync(path).isDirectory())
    throw new CommandError('application', `Folder ${named} has no index file`, {
      cure: `Name a file in it: ${join(named, 'app.ts')}`,
    });
  const near = nearestFile(path);
  const cure =
    near === undefined
      ? 'Paths are relative to the current folder.'
      : `Did you mean ${relative(folder, near)}?`;
  throw new CommandError('application', `File ${named} does not exist in ${folder}`, { cure });
}

/** A bare name may be a package. */
function findPackage(named: string, folder: string): string | undefined {
  if (/^[./]/.test(named)) return undefined;
  try {
    return createRequire(join(folder, 'package.json')).resolve(named);
  } catch {
    return undefined;
  }
}

function nearestFile(path: string): string | undefined {
  const parent = dirname(path);
  if (!existsSync(parent)) return undefined;
  const names = readdirSync(parent).filter((name) => EXTENSIONS.includes(extname(name)));
  const bare = names.map((name) => basename(name, extname(name)));
  const near = likelyName(basename(path), names, {}) ?? likelyName(basename(path, extname(path)), bare, {});
  const index = near === undefined ? -1 : Math.max(names.indexOf(near), bare.indexOf(near));
  const name = names[index];
  return name === undefined ? undefined : join(parent, name);
}

/**
 * Imports a file.
 *
 * @param kind The exit code if it fails
 * @param version A query such as `?2`, for a file that was imported before and may have changed
 * @throws {@link CommandError} that shows the stack of the user's own files
 */
export async function importFile(
  path: string,
  kind: 'application' | 'usage' = 'application',
  version = '',
): Promise<Exports> {
  if (TYPESCRIPT.includes(extname(path))) await prepareTypeScript(path, kind);
  const { href } = pathToFileURL(path);
  try {
    // A module's namespace is an object of its exports.
    return await whileLoading(basename(path), kind, async () => (await import(href + version)) as Exports);
  } catch (error) {
    const place = lacksPlace(error) ? placeOfSyntaxError(href) : undefined;
    throw new CommandError(kind, `${basename(path)} could not be loaded: ${titleOf(error)}`, {
      cause: error,
      cure: cureOf(error, path),
      ...(place !== undefined && { place }),
    });
  }
}

/** A syntax error in an ES module: its stack names no file of the user. */
function lacksPlace(error: unknown): boolean {
  if (!isError(error) || error.name !== 'SyntaxError') return false;
  const stack = userStack(error);
  return !/^\s+at /m.test(stack) && !/^\S.*:\d+\n/.test(stack);
}

let isTsxActive = process.execArgv.some((argument) => /(^|=|\/)tsx(\/|$)/.test(argument));

/** Makes sure that a TypeScript file can be imported. */
async function prepareTypeScript(path: string, kind: 'application' | 'usage'): Promise<void> {
  const isStripped = Boolean(Reflect.get(process.features, 'typescript'));
  if (isTsxActive || (isStripped && !/sx$/.test(path))) return;
  try {
    // `node --import tsx` loads the same file, which registers tsx for both kinds of modules.
    await import(pathToFileURL(createRequire(path).resolve('tsx')).href);
    isTsxActive = true;
  } catch (error) {
    const isJsx = path.endsWith('x');
    throw new CommandError(
      kind,
      `Node ${process.versions.node} does not load ${isJsx ? 'JSX' : 'TypeScript'}: ${basename(path)}`,
      {
        cause: isMissing(error) ? undefined : error,
        cure: isJsx
          ? 'npm install --save-dev tsx'
          : 'npm install --save-dev tsx, or use Node 22.18 or later.',
      },
    );
  }
}

function isMissing(error: unknown): boolean {
  return isError(error) && Reflect.get(error, 'code') === 'MODULE_NOT_FOUND';
}

function titleOf(error: unknown): string {
  return isError(error) ? `${error.name}: ${error.message.split('\n')[0]}` : `it threw ${String(error)}`;
}

/** Says how to mend what often goes wrong. */
function cureOf(error: unknown, path: string): string | undefined {
  if (!isError(error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return 'Node strips types and does not compile enums and their like: npm install --save-dev tsx, then add --import tsx.';
  if (code === 'ERR_MODULE_NOT_FOUND') return missingModule(error);
  if (error.name === 'ReferenceError' && /^(require|module|exports|__dirname)\b/.test(error.message))
    return `${basename(path)} is an ES module for Node. Rename it to .cjs, or remove "type": "module" from package.json.`;
  if (
    error.name === 'SyntaxError' &&
    /import statement outside|Unexpected token 'export'/.test(error.message)
  )
    return 'Node takes the file for CommonJS. Rename it to .mjs, or add "type": "module" to package.json.';
  return undefined;
}

/** Node wants the extension of a file that is imported. */
function missingModule(error: Error): string | undefined {
  const [, missing] = /Cannot find (?:module|package) '([^']+)'/.exec(error.message) ?? [];
  if (missing === undefined) return undefined;
  if (!missing.startsWith('/')) return `npm install ${missing}`;
  const near = [...EXTENSIONS.map((extension) => missing + extension), missing.replace(/\.js$/, '.ts')];
  const found = near.find((path) => path !== missing && existsSync(path));
  return found === undefined
    ? undefined
    : `Write the import with its extension: ${basename(found)}. tsx also finds it: --import tsx`;
}

/**
 * Imports what `--import` names: a package, or a file of the current folder.
 *
 * @throws {@link CommandError} if it cannot be found or loaded
 */
export async function importNamed(named: string, folder: string): Promise<void> {
  if (named === 'tsx') {
    await prepareTypeScript(join(folder, 'any.tsx'), 'usage');
    return;
  }
  if (/^[./]/.test(named)) {
    await importFile(findModule(named, folder), 'usage');
    return;
  }
  let url: string;
  try {
    // By the conditions of `import`, seen from the user's folder.
    url = resolvePackage(named, folder);
  } catch {
    throw new CommandError('usage', `--import ${named}: no such package in ${folder}`, {
      cure: `npm install ${named}`,
    });
  }
  await importFile(fileURLToPath(url), 'usage');
}

function resolvePackage(named: string, folder: string): string {
  const require = createRequire(join(folder, 'package.json'));
  return pathToFileURL(require.resolve(named)).href;
}
