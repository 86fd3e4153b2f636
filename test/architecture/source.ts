/**
 * A source file as the architecture rules see it: text, syntax tree and imports.
 *
 * Rule 1: this file only reads; rules.ts and zones.ts judge.
 * Rule 2: the tree comes from the parser of the test runner, so nothing here guesses at syntax.
 */
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** A node of the tree (ESTree with TypeScript's additions), with only the properties that the rules use. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Import {
  /** The path from the project root for a relative specifier, else the specifier. */
  readonly target: string;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

export interface SourceFile {
  /** From the project root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
  readonly imports: readonly Import[];
}

export function parseSource(path: string, text: string): SourceFile {
  const program = asNode(parseAst(text, { lang: 'ts', sourceType: 'module' }));
  if (program === undefined) throw new TypeError(`Cannot parse ${path}`);
  const file = { path, text, program, imports: [] };
  return { ...file, imports: collectImports(file) };
}

/** Yields every node of a tree, outer ones first; `enter` decides if a node is entered. */
export function* walk(node: Node, enter: (node: Node) => boolean = () => true): Generator<Node> {
  yield node;
  if (!enter(node)) return;
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      const child = asNode(item);
      if (child !== undefined) yield* walk(child, enter);
    }
  }
}

/** Gives the line of an offset, from 1. */
export function lineOf(file: { readonly text: string }, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

export function asNode(value: unknown): Node | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  // The parser's own type lacks TypeScript's nodes; `type` was checked before.
  return typeof value.type === 'string' ? (value as Node) : undefined;
}

function collectImports(file: SourceFile): Import[] {
  const imports: Import[] = [];
  for (const node of walk(file.program)) {
    const specifier = specifierOf(node);
    if (specifier === undefined) continue;
    const isRelative = specifier.startsWith('./') || specifier.startsWith('../');
    imports.push({
      specifier,
      target: isRelative ? posix.join(posix.dirname(file.path), specifier) : specifier,
      isTypeOnly: node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type',
      line: lineOf(file, node.start),
    });
  }
  return imports;
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literal(node.source);
    case 'CallExpression': {
      const isRequire = asNode(node.callee)?.name === 'require';
      return isRequire && Array.isArray(node.arguments) ? literal(node.arguments[0]) : undefined;
    }
    default:
      return undefined;
  }
}

function literal(value: unknown): string | undefined {
  const node = asNode(value);
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}
