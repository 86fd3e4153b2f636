/** Loads the application that the command names: `app.ts`, `app.ts:app`, `app.ts:shop.app`, `app.ts:createApp` with `--factory`, `app.py:app`. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { isError } from '../errors.ts';
import { likelyName } from '../gateway/likely-name.ts';
import { adviseFlags } from '../gateway/mistaken-application.ts';
import { CommandError } from './exit-codes.ts';
import { type Exports, findModule, importFile, importNamed } from './load-module.ts';
import { isPython, loadPython } from './load-python.ts';
import type { LoadedApplication, LoadSettings, UpgradeListener } from './loaded-application.ts';
import { kindOf, recognise } from './recognise.ts';
import { whileLoading } from './while-loading.ts';

/**
 * Loads the modules of `--import`, then the application.
 *
 * @throws {@link CommandError} that names the file, the export, and what is there instead
 */
export async function loadApplication(settings: LoadSettings): Promise<LoadedApplication> {
  const { folder } = settings;
  for (const named of settings.import ?? []) await importNamed(named, folder);
  const [file, path] = splitName(settings.app, folder);
  if (isPython(file, folder)) return loadPython(settings, file, path);
  const module = await importFile(findModule(file, folder));
  const found = pickExport(module, path, basename(file));
  const name = `${file}:${found.name}`;
  const { application, kind, close } = await whileLoading(name, 'application', async () => {
    const value = settings.factory ? await callFactory(found.value, name) : await found.value;
    if (!settings.factory && !BARE_KINDS.includes(settings.interface) && takesNothing(value))
      process.stderr.write(
        `gatebridge: ${name} takes no arguments: if it makes the application, add --factory\n`,
      );
    adviseFlags();
    return recognise(value, settings.interface, name);
  });
  const upgrade = memberOf(module, 'upgrade');
  return {
    name,
    kind,
    application,
    // Called as node calls it; what it takes is the user's affair.
    upgrade: typeof upgrade === 'function' ? (upgrade as UpgradeListener) : undefined,
    close: async () => {
      const hook = memberOf(module, 'close');
      if (typeof hook === 'function') await hook();
      await close?.();
    },
  };
}

/** Splits `file:export`. A drive letter of Windows is no file, and the name of a file may have a colon. */
function splitName(named: string, folder: string): [file: string, path: string | undefined] {
  const colon = named.lastIndexOf(':');
  if (colon > 1 && existsSync(resolve(folder, named))) return [named, undefined];
  return colon <= 1 ? [named, undefined] : [named.slice(0, colon), named.slice(colon + 1) || undefined];
}

/** Kinds of functions that may well take no arguments. */
const BARE_KINDS: readonly string[] = ['node', 'fetch'];

/** Exports that have a meaning of their own. */
const HOOKS = ['upgrade', 'close'];

/** Names that are looked for, in this order, when none is given. */
const USUAL = ['default', 'app', 'application'];

interface Export {
  readonly name: string;
  readonly value: unknown;
}

function pickExport(module: Exports, path: string | undefined, file: string): Export {
  if (path === undefined) {
    const name = USUAL.find((candidate) => memberOf(module, candidate) !== undefined);
    if (name !== undefined) return { name, value: memberOf(module, name) };
    const all = exportsOf(module);
    const names = all.filter((known) => !HOOKS.includes(known));
    throw new CommandError(
      'application',
      `${file} has no default export, and none that is called app or application`,
      {
        cure:
          names.length === 0
            ? `It exports ${all.length === 0 ? 'nothing' : `only ${all.join(' and ')}`}.`
            : `It exports ${names.join(', ')}: gatebridge ${file}:${names[0]}`,
      },
    );
  }
  let value: unknown = module;
  for (const [index, name] of path.split('.').entries()) {
    const member = index === 0 ? memberOf(module, name) : Reflect.get(Object(value), name);
    if (member === undefined)
      throw noExport(file, name, index === 0 ? exportsOf(module) : Object.keys(Object(value)));
    value = member;
  }
  return { name: path, value };
}

/** Gives an export. A CommonJS module is its own default export, perhaps with another one inside. */
function memberOf(module: Exports, name: string): unknown {
  const main: unknown = module.default;
  if (name === 'default') {
    const isWrapped = typeof main === 'object' && main !== null && '__esModule' in main && 'default' in main;
    // Checked above.
    return isWrapped
      ? (main as { default: unknown }).default
      : isEmptyObject(main)
        ? undefined
        : unlessNames(main);
  }
  const own = module[name];
  if (own !== undefined) return own;
  return typeof main === 'object' && main !== null ? Reflect.get(main, name) : undefined;
}

/** An object of applications is none itself: `exports.site = …` in CommonJS. */
function unlessNames(main: unknown): unknown {
  return isOnlyNames(main) ? undefined : main;
}

function isOnlyNames(main: unknown): boolean {
  if (typeof main !== 'object' || main === null) return false;
  const isPlain = Object.getPrototypeOf(main) === Object.prototype;
  if (!isPlain || METHODS.some((name) => typeof Reflect.get(main, name) === 'function')) return false;
  return Object.values(main).some((value) => typeof value === 'function' || value instanceof Object);
}

/** Methods of an application, and of what people take for one. */
const METHODS = ['call', 'fetch', 'use', 'listen'];

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  );
}

function exportsOf(module: Exports): string[] {
  const main: unknown = module.default;
  const inner = typeof main === 'object' && main !== null ? Object.keys(main) : [];
  const names = [...Object.keys(module), ...inner].filter(
    (name) => !['module.exports', '__esModule'].includes(name) && !(name === 'default' && isOnlyNames(main)),
  );
  return [...new Set(names)];
}

function noExport(file: string, name: string, names: readonly string[]): CommandError {
  const near = names.find((known) => known.startsWith(name)) ?? likelyName(name, names, {});
  const list = names.length === 0 ? 'It exports nothing.' : `It exports ${names.join(', ')}.`;
  return new CommandError('application', `${file} has no export ${name}`, {
    cure: near === undefined ? list : `Did you mean ${near}?`,
  });
}

/** Tells if a value is a function that can take neither environ nor startResponse; a class may leave both to its parent. */
function takesNothing(value: unknown): boolean {
  if (typeof value !== 'function' || value.length > 0 || kindOf(value) !== 'gateway') return false;
  const source = Function.prototype.toString.call(value);
  return !/^class\b|\{ \[native code\] \}$|\barguments\b/.test(source) && !/^[^(]*\(\s*\.\.\./.test(source);
}

async function callFactory(factory: unknown, name: string): Promise<unknown> {
  if (typeof factory !== 'function') {
    throw new CommandError('application', `${name} is not a function, and --factory calls it`, {
      cure: 'Leave --factory out.',
    });
  }
  try {
    return await factory();
  } catch (error) {
    const title = isError(error) ? `${error.name}: ${error.message}` : String(error);
    throw new CommandError('application', `The factory ${name} failed: ${title}`, { cause: error });
  }
}
