/**
 * Everything that the package exports is documented: a packed page names it in backticks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asNode, parseSource } from './architecture/source.ts';

const ROOT = join(import.meta.dirname, '..');
const manifest: {
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
} = JSON.parse(read('package.json'));

const entries = Object.entries(manifest.exports).flatMap(([key, target]) =>
  typeof target === 'string' ? [] : [[key.replace('.', 'gatebridge'), sourceOf(target.default)] as const],
);

const documented = wordsIn(
  ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
    .filter((page) => !manifest.files.includes(`!${page}`))
    .map(read),
);

describe('a page names what is exported', () => {
  it.each(entries)('%s', (_entry, source) => {
    const names = namesIn(source, read(source));
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it('in every entry', () => {
    expect(entries.length).toBeGreaterThan(5);
  });
});

describe('the reading of pages and entries', () => {
  it('takes values and types', () => {
    const text = "export { type One, two } from './a.ts';\nexport type { Three } from './b.ts';";
    expect(namesIn('index.ts', text)).toEqual(['One', 'two', 'Three']);
  });

  it('takes whole words in backticks, and no programs', () => {
    const page =
      'Body `toNode(listener)` and `GatewayRequest`.\n\n```ts\nimport { serve } from "a";\n```\n`x`\n';
    expect([...wordsIn([page])]).toEqual(['toNode', 'listener', 'GatewayRequest', 'x']);
  });
});

/** The source of a file in dist. */
function sourceOf(built: string): string {
  return built.replace('./dist/', '').replace(/\.js$/, '.ts');
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The names that a front door exports. */
function namesIn(path: string, text: string): unknown[] {
  const { body } = parseSource(path, text).program;
  const statements = Array.isArray(body) ? body : [];
  return statements
    .flatMap((statement) => statement.specifiers ?? [])
    .map((specifier) => asNode(specifier.exported)?.name);
}

/** The words in backticks, outside of programs. */
function wordsIn(pages: readonly string[]): Set<unknown> {
  const prose = pages.join('\n').replace(/^```[\s\S]*?^```/gm, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  return new Set(spans.flatMap((span) => span.match(/\w+/g) ?? []));
}
