/**
 * The architecture rules that a program can check, one entry a rule.
 *
 * Rule 1: a rule reports what is wrong and where; it repairs nothing and exempts no file by name.
 * Rule 2: test/architecture.test.ts shows for each rule that it fails on a made-up source.
 */
import { basename } from 'node:path';
import { findCycles, findMessagesInMounts, findMissing, isValueImport, reachedFrom } from './imports.ts';
import { asNode, lineOf, type Node, type SourceFile, walk } from './source.ts';
import { checkDirections } from './zones.ts';

export interface Rule {
  readonly sentence: string;
  /** The folders that it covers. */
  readonly folders: readonly string[];
  check(files: readonly SourceFile[]): string[];
}

const SHIPPED = ['src', 'bridges'];
const SHOWN = [...SHIPPED, 'examples'];
const EVERYWHERE = [...SHOWN, 'test', 'bench', 'scripts'];

/** Keeps each file readable in one sitting. */
const LINE_LIMIT = 400;
/** Keeps an example on one screen, beside the terminal that runs it. */
const EXAMPLE_LIMIT = 40;
const PARAMETER_LIMIT = 4;

export const RULES: Readonly<Record<string, Rule>> = {
  directions: {
    sentence: 'imports point inward',
    folders: SHOWN,
    check: (files) => checkDirections(files),
  },
  cycles: { sentence: 'no file imports itself by way of others', folders: EVERYWHERE, check: findCycles },
  mounts: {
    sentence: 'a mount reaches no file of src/messages',
    folders: SHIPPED,
    check: findMessagesInMounts,
  },
  specifiers: {
    sentence: 'relative imports name existing files',
    folders: EVERYWHERE,
    check: findMissing,
  },
  lines: {
    sentence: `no file has more than ${LINE_LIMIT} lines`,
    folders: EVERYWHERE,
    check: each((file) => {
      const lines = file.text.split('\n').length - 1;
      return lines > LINE_LIMIT ? [`${file.path}: has ${lines} lines`] : [];
    }),
  },
  examples: {
    sentence: `an example has at most ${EXAMPLE_LIMIT} lines`,
    folders: ['examples'],
    check: each((file) => {
      const lines = file.text.split('\n').length - 1;
      return /^examples\/[^/]+$/.test(file.path) && lines > EXAMPLE_LIMIT
        ? [`${file.path}: has ${lines} lines`]
        : [];
    }),
  },
  names: {
    sentence: 'file names are in kebab case',
    folders: EVERYWHERE,
    check: each((file) =>
      /^_?[a-z0-9]+(-[a-z0-9]+)*(\.property)?(\.test)?\.ts$/.test(basename(file.path))
        ? []
        : [`${file.path}: rename it`],
    ),
  },
  frontDoors: {
    sentence: 'an index.ts only re-exports by name',
    folders: SHIPPED,
    check: each((file) => (basename(file.path) === 'index.ts' ? findInBody(file, isNotReExport) : [])),
  },
  exportAll: {
    sentence: "no 'export *'",
    folders: EVERYWHERE,
    check: each((file) => findInBody(file, (node) => node.type === 'ExportAllDeclaration')),
  },
  exportDefault: {
    sentence: 'no default exports',
    folders: EVERYWHERE,
    check: each((file) => findInBody(file, (node) => node.type === 'ExportDefaultDeclaration')),
  },
  any: {
    sentence: "no 'any'",
    folders: EVERYWHERE,
    check: each((file) => find(file, (node) => node.type === 'TSAnyKeyword')),
  },
  erasable: {
    sentence: 'types can be erased: no enums, namespaces or parameter properties',
    folders: EVERYWHERE,
    check: each((file) => find(file, (node) => NOT_ERASABLE.has(node.type) && !isAugmentation(node))),
  },
  assertions: {
    sentence: "'as' stands beside a comment",
    folders: SHIPPED,
    check: each((file) => find(file, (node) => isAssertion(node) && !hasCommentBeside(file, node))),
  },
  parameters: {
    sentence: 'at most three parameters, then an options object',
    folders: SHIPPED,
    check: each((file) =>
      find(file, (node) => Array.isArray(node.params) && node.params.length > PARAMETER_LIMIT),
    ),
  },
  documentation: {
    sentence: 'exports are documented',
    folders: SHIPPED,
    check: each((file) => findInBody(file, (node) => isDeclared(node) && !isDocumented(file, node))),
  },
  tenured: {
    sentence: 'a function has a name before it becomes a property (why: src/gateway/extensions.ts)',
    folders: SHIPPED,
    check: each((file) => find(file, isFunctionAssignedToProperty)),
  },
  pureHttp: {
    sentence: 'src/http has no clock, no randomness and no I/O',
    folders: ['src/http'],
    check: each((file) =>
      find(file, (node) => node.type === 'Identifier' && IMPURE.has(String(node.name)) && !isKey(file, node)),
    ),
  },
  platform: {
    sentence: 'src/gateway uses Buffer, process and setImmediate in platform.ts alone',
    folders: ['src/gateway'],
    check: each((file) => (basename(file.path) === 'platform.ts' ? [] : findPlatform(file))),
  },
  portable: {
    sentence:
      'gatebridge, fetch, validate and middleware run without node: no import of it, no Buffer, process, setImmediate',
    folders: SHIPPED,
    check: findNodeInPortable,
  },
  realms: {
    sentence: 'errors are told by isError, which knows those of other realms, as under Jest',
    folders: SHIPPED,
    check: each((file) => (file.path === 'src/errors.ts' ? [] : find(file, isInstanceOfError))),
  },
  topLevelAwait: {
    sentence: 'no top-level await, so that require() works',
    folders: SHIPPED,
    check: each((file) =>
      [...walk(file.program, (node) => !FUNCTIONS.has(node.type))]
        .filter((node) => node.type === 'AwaitExpression' || node.await === true)
        .map((node) => at(file, node)),
    ),
  },
  wholeSuite: {
    sentence: 'no test is switched off and none runs alone',
    folders: ['test'],
    check: each((file) => find(file, isFocusedOrSkipped)),
  },
  notes: {
    sentence: 'no notes to self',
    folders: EVERYWHERE,
    // The brackets keep this line from matching itself.
    check: each((file) => findText(file, /\b(TO[D]O|FIX[M]E|XX[X])\b/g)),
  },
  machine: {
    sentence: 'no path of one machine',
    folders: EVERYWHERE,
    check: each((file) => findText(file, MACHINE_PATH)),
  },
};

/** Home folders of people and of builds; also applied to pages and settings. */
export const MACHINE_PATH: RegExp =
  /(?<![\w.])\/(?:work\/(?:main|shared)|root\/|home\/\w+\/|Users\/\w+\/)|[A-Z]:\\Users/g;

const NOT_ERASABLE = new Set([
  'TSEnumDeclaration',
  'TSModuleDeclaration',
  'TSParameterProperty',
  'TSImportEqualsDeclaration',
  'TSExportAssignment',
  'TSTypeAssertion',
]);
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const FUNCTION_EXPRESSIONS = new Set(['FunctionExpression', 'ArrowFunctionExpression']);
const IMPURE = new Set(
  'Date setTimeout setInterval setImmediate queueMicrotask performance process console fetch crypto'.split(
    ' ',
  ),
);

const PLATFORM = new Set(['Buffer', 'process', 'setImmediate', 'require']);

/** The entries that load on every runtime with the Fetch API. */
const PORTABLE = [
  'src/index.ts',
  'src/validate/index.ts',
  'src/middleware/index.ts',
  'bridges/fetch/index.ts',
];

/** Types are erased: their imports are not followed. Globals are taken by name from globalThis, where they may be missing. */
function findNodeInPortable(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set(PORTABLE.flatMap((path) => [...reachedFrom(path, byPath, isValueImport)]));
  const portable = files.filter(({ path }) => reached.has(path));
  return portable.flatMap((file) => [
    ...file.imports
      .filter((one) => isValueImport(one) && !one.specifier.startsWith('.'))
      .map(({ specifier, line }) => `${file.path}:${line}: must not import '${specifier}'`),
    ...findPlatform(file),
  ]);
}

/** Finds uses at run time; types leave no trace. */
function findPlatform(file: SourceFile): string[] {
  return [...walk(file.program, (node) => !isType(node))]
    .filter((node) => node.type === 'Identifier' && PLATFORM.has(String(node.name)) && !isKey(file, node))
    .map((node) => at(file, node));
}

function isType(node: Node): boolean {
  return node.type.startsWith('TS') && !VALUES_WITH_TYPES.has(node.type);
}

const VALUES_WITH_TYPES = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);

function each(check: (file: SourceFile) => string[]): Rule['check'] {
  return (files) => files.flatMap(check);
}

function at(file: SourceFile, node: Node): string {
  return `${file.path}:${lineOf(file, node.start)}: ${file.text.slice(node.start, node.end).split('\n')[0]}`;
}

function find(file: SourceFile, isWrong: (node: Node) => boolean): string[] {
  return [...walk(file.program)].filter(isWrong).map((node) => at(file, node));
}

function findInBody(file: SourceFile, isWrong: (node: Node) => boolean): string[] {
  const body = Array.isArray(file.program.body) ? file.program.body : [];
  return body
    .map(asNode)
    .filter((node) => node !== undefined)
    .filter(isWrong)
    .map((node) => at(file, node));
}

function findText(file: SourceFile, pattern: RegExp): string[] {
  return [...file.text.matchAll(pattern)].map(
    ({ index, 0: match }) => `${file.path}:${lineOf(file, index)}: ${match}`,
  );
}

function isNotReExport(node: Node): boolean {
  return node.type !== 'ExportNamedDeclaration' || node.source === null;
}

/** `declare module 'a-package'` extends foreign types and is nothing at run time. */
function isAugmentation(node: Node): boolean {
  return node.type === 'TSModuleDeclaration' && node.declare === true && asNode(node.id)?.type === 'Literal';
}

/** `as const` makes no claim about a type: it narrows the inferred one. */
function isAssertion(node: Node): boolean {
  if (node.type !== 'TSAsExpression') return false;
  return asNode(asNode(node.typeAnnotation)?.typeName)?.name !== 'const';
}

function hasCommentBeside(file: SourceFile, node: Node): boolean {
  const lines = file.text.split('\n');
  const first = lineOf(file, node.start) - 1;
  const last = lineOf(file, node.end) - 1;
  return lines.slice(Math.max(0, first - 5), last + 1).some((line) => /(^|\s)\/\/ |^\s*\*|\/\*/.test(line));
}

function isDeclared(node: Node): boolean {
  return node.type === 'ExportNamedDeclaration' && asNode(node.declaration) !== undefined;
}

/** Overloads share the documentation of the first one; a comment on the code may stand between. */
function isDocumented(file: SourceFile, node: Node): boolean {
  const lines = file.text.slice(0, node.start).split('\n');
  const last = lines.findLast((line) => line.trim() !== '' && !line.startsWith('//')) ?? '';
  return last.endsWith('*/') || /^(export function .*|\).*);$/.test(last);
}

function isKey(file: SourceFile, node: Node): boolean {
  const before = file.text.slice(0, node.start).trimEnd();
  const after = file.text.slice(node.end).trimStart();
  return before.endsWith('.') || (after.startsWith(':') && /[{,]$/.test(before));
}

function isFunctionAssignedToProperty(node: Node): boolean {
  if (node.type !== 'AssignmentExpression' || asNode(node.left)?.type !== 'MemberExpression') return false;
  return FUNCTION_EXPRESSIONS.has(asNode(node.right)?.type ?? '');
}

function isFocusedOrSkipped(node: Node): boolean {
  if (node.type !== 'MemberExpression') return false;
  const property = String(asNode(node.property)?.name);
  const object = String(asNode(node.object)?.name);
  return /^(only|skip|todo|fails)$/.test(property) && /^(it|test|describe|suite|bench)$/.test(object);
}

function isInstanceOfError(node: Node): boolean {
  return (
    node.type === 'BinaryExpression' && node.operator === 'instanceof' && asNode(node.right)?.name === 'Error'
  );
}
