/**
 * Gives functions and classes of a bundled file the names of their sources, for stacks and for `constructor.name`.
 *
 * Where two modules of a file declare the same name, the bundler renames one: `join` and `join$1`. A name that is imported of node
 * goes first: our class `Server` would be `Server$4`.
 */
import { parseAst } from 'rolldown/parseAst';

/** A node of the tree (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/**
 * Gives the file with the names. Two functions of our own cannot have the same: `join$1` stays. No statement defines its name, because
 * then the bundler of an application could not drop it.
 */
export function keepNames(code: string): string {
  if (!/\b(?:class|function\*?|var|const) \w+\$\d/.test(code)) return code;
  const tree = treeOf(code);
  const lines = code.match(/^import .* from "node:.*$/gm)?.join(' ') ?? '';
  const imported = new Set(lines.match(/\w+/g));
  const names = new Map<string, string>();
  for (const [variable, name] of renamedIn(tree)) {
    if (names.has(name) || (!imported.has(name) && isUsed(code, name))) continue;
    // V8 shows the name of a constructor from its source, not from its property: ours is `Server`, and node's `NodeServer`.
    names.set(name, `Node${name}`).set(variable, name);
  }
  let kept = code;
  for (const { start, end, text } of editsFor(tree, names).reverse())
    kept = kept.slice(0, start) + text + kept.slice(end);
  return kept;
}

/** Tells if a name may stand for a variable somewhere: it is no property, and in no quotation marks. */
function isUsed(code: string, name: string): boolean {
  return new RegExp(`(?<![.\\w$"'#])${name}(?![\\w$"']|:)`).test(code.replace(/^export \{.*$/m, ''));
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Finds where variables of some names stand, and what comes there. Outer nodes come before inner ones. */
function editsFor(tree: readonly Node[], names: ReadonlyMap<string, string>): Edit[] {
  const edits: Edit[] = [];
  const passed = new Set<unknown>();
  for (const node of tree) {
    const { type, start, end } = node;
    if (passed.has(node)) continue;
    if (type === 'MemberExpression' && node.computed === false) passed.add(node.property);
    if ('key' in node && node.computed === false) passed.add(node.key);
    for (const outer of [node.imported, node.exported]) if (outer !== node.local) passed.add(outer);
    const fresh = names.get(nameOf(node.local) ?? nameOf(node.shorthand === true ? node.key : node) ?? '');
    if (fresh === undefined) continue;
    if (type === 'ImportSpecifier' || type === 'ExportSpecifier') {
      const isImport = type === 'ImportSpecifier';
      const outer = nameOf(isImport ? node.imported : node.exported);
      passed.add(node.local).add(node.imported).add(node.exported);
      const both = isImport ? `${outer} as ${fresh}` : `${fresh} as ${outer}`;
      edits.push({ start, end, text: outer === fresh ? fresh : both });
    } else if (type === 'Property') {
      const name = nameOf(node.key) ?? '';
      // `{ Server }`, also with a default.
      for (const child of [node.value, Object(node.value).left]) passed.add(child);
      edits.push({ start, end: start + name.length, text: `${name}: ${fresh}` });
    } else edits.push({ start, end, text: fresh });
  }
  return edits.sort((one, other) => one.start - other.start);
}

/** Finds functions and classes that the bundler has renamed: variable, and name in the source. */
function renamedIn(tree: readonly Node[]): (readonly [variable: string, name: string])[] {
  return tree.flatMap((node) => {
    const isCode =
      /^(Function|Class)Declaration$/.test(node.type) || HAS_CODE.test(String(nodeOf(node.init)?.type));
    const [variable = '', name] = /^(\w+)\$\d+$/.exec(nameOf(node.id) ?? '') ?? [];
    return isCode && name !== undefined ? [[variable, name] as const] : [];
  });
}

const HAS_CODE = /^(Class|Function|ArrowFunction)Expression$/;

/** Gives all nodes, outer ones first. */
function treeOf(code: string): Node[] {
  const nodes: Node[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    const node = nodeOf(value);
    if (node === undefined) return;
    nodes.push(node);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(code));
  return nodes;
}

function nameOf(value: unknown): string | undefined {
  const node = nodeOf(value);
  return node?.type === 'Identifier' ? String(node.name) : undefined;
}

function nodeOf(value: unknown): Node | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  // The parser gives each node a place.
  return typeof value.type === 'string' ? (value as Node) : undefined;
}
