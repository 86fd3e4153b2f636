/**
 * A source file as the architecture rules see it: its text, its syntax tree, and what it imports.
 *
 * Rule 1: this file reads and never judges; the rules are in rules.ts and zones.ts.
 * Rule 2: the tree comes from the parser that the test runner brings along, so nothing here guesses at syntax.
 */
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** A node of the tree (ESTree with TypeScript's additions); only what the rules look at is spelt out. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Import {
  /** The path from the root of the project for a relative specifier, else the specifier. */
  readonly target: string;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

export interface SourceFile {
  /** From the root of the project, with slashes. */
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

/** Gives every node of a tree, outer ones first; `enter` says whether to go into a node. */
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

/** Tells the line of an offset, from 1. */
export function lineOf(file: { readonly text: string }, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

export function asNode(value: unknown): Node | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  // The parser's own type of a tree leaves out TypeScript's nodes; `type` was looked at just now.
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
