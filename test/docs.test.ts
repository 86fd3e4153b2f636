/**
 * The pages tell the truth: their TypeScript compiles, their programs run, their links lead somewhere.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CGI_ENVIRON_OPTIONS } from '../bridges/_cgi/environ.ts';
import { CGI_PROGRAM_OPTIONS } from '../bridges/cgi/from-cgi.ts';
import { CGI_OPTIONS } from '../bridges/cgi/run-cgi.ts';
import { EXPRESS_OPTIONS } from '../bridges/express/to-express.ts';
import { FASTCGI_CLIENT_OPTIONS } from '../bridges/fastcgi/from-fastcgi.ts';
import { FASTCGI_SERVER_OPTIONS } from '../bridges/fastcgi/serve-fastcgi.ts';
import { FASTIFY_OPTIONS } from '../bridges/fastify/to-fastify.ts';
import { FETCH_PROGRAM_OPTIONS } from '../bridges/fetch/from-fetch.ts';
import { LAMBDA_OPTIONS } from '../bridges/lambda/to-lambda.ts';
import { EXIT_CODES, withFlagTables } from '../scripts/flag-tables.ts';
import { withOptionTables } from '../scripts/option-tables.ts';
import { FLAGS, flagOf } from '../src/cli/flags.ts';
import { ENVIRON_OPTIONS } from '../src/gateway/environ.ts';
import { GATEWAY_OPTIONS } from '../src/gateway/gateway-options.ts';
import { LIMITS } from '../src/http/index.ts';
import { DEFAULT_SETTINGS, SERVER_OPTIONS, SERVER_SETTINGS } from '../src/server/options.ts';
import { BLOCKS, BlockProject, complaintsWithNewestTypes, holdsItself, PAGES } from './support/doc-blocks.ts';

const ROOT = join(import.meta.dirname, '..');
/** All blocks, compiled against the compiled package: what a user's compiler sees and what a user's node runs. */
let project: BlockProject;

beforeAll(async () => {
  project = await BlockProject.compile();
}, 60_000);

afterAll(() => {
  project.remove();
});

describe('TypeScript in the pages', () => {
  it('is found', () => {
    expect(BLOCKS.length).toBeGreaterThan(5);
  });

  it('compiles', () => {
    expect(project.complaints).toBe('');
  });

  it.each(['nodenext', 'bundler'])(
    'compiles with the newest types of Node, strictly, by %s',
    async (resolution) => {
      expect(await complaintsWithNewestTypes(resolution)).toBe('');
    },
    60_000,
  );

  it.each([
    ['README.md', 'run.ts', 'Hello from the root'],
    ['README.md', 'wrap.ts', 'Hello 203.0.113.7'],
    ['docs/getting-started.md', 'run.ts', 'Hello from the root'],
    ['docs/getting-started.md', 'develop.ts', 'Hello from the root'],
  ])('%s: %s runs', async (page, name, answer) => {
    const program = join(page, name);
    // Any free port instead of the one that the page names.
    const compiled = project.compiledPath(program);
    writeFileSync(compiled, readFileSync(compiled, 'utf8').replace('port: 8124', 'port: 0'));
    const child = project.start(program);
    try {
      const headers = { 'X-Forwarded-For': '203.0.113.7' };
      const response = await fetch(`http://127.0.0.1:${await readPort(child)}/`, { headers });
      expect(await response.text()).toBe(answer);
    } finally {
      child.kill();
    }
  });

  it.each(BLOCKS.filter(holdsItself))('$path holds', async ({ path }) => {
    expect(await once(project.start(path), 'exit')).toEqual([0, null]);
  });
});

describe('links', () => {
  it.each(PAGES)('%s', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/```[\s\S]*?```|`[^`]*`/g, '');
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https:/.test(target) && !leadsSomewhere(page, target));
    expect(broken).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

  it('names files and folders that exist, each where its reader looks', () => {
    expect(namesIn(text).length).toBeGreaterThan(150);
    expect(lostNames(text)).toEqual([]);
  });

  it.each([
    ['a folder that is missing', '`server/options.ts` and `sockets/output.ts`', ['sockets/output.ts']],
    ['a file of another folder', '`server/options.ts` and `http-sink.ts`', ['http-sink.ts']],
    ['a file without a folder', '`wsgi.ts`', ['wsgi.ts']],
    ['a file whose folder is in another row', '| `server/options.ts` |\n| `serve.ts` |', ['serve.ts']],
    ['a pattern that nothing matches', '`bridges/<name>/by-<name>.ts`', ['bridges/<name>/by-<name>.ts']],
    ['nothing else', '`src/wsgi.ts`, `port.ts`; `http/` with `limits.ts`; `bridges/*/from-*.ts`', []],
  ])('is searched for names that lead nowhere: %s', (_what, page, lost) => {
    expect(lostNames(page)).toEqual(lost);
  });
});

describe('tables of options', () => {
  const pages = readdirSync(join(ROOT, 'docs')).map((name) => readFileSync(join(ROOT, 'docs', name), 'utf8'));

  it('are what npm run docs makes of the sources', () => {
    for (const page of pages) expect(page).toBe(withOptionTables(page));
  });

  it('state every setting with its default', () => {
    const text = readFileSync(join(ROOT, 'docs/server.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)` \| `([^`]+)`(?: ms| octets)? \|/gm)].map(
      ([, name, value]) => [name, value],
    );
    const settings = Object.entries(DEFAULT_SETTINGS).map(([name, value]) => [name, String(value)]);
    expect(rows).toEqual(expect.arrayContaining(settings));
  });

  it.each([
    [
      'docs/server.md',
      { ...LIMITS, ...SERVER_SETTINGS, ...SERVER_OPTIONS, ...ENVIRON_OPTIONS, ...GATEWAY_OPTIONS },
    ],
    ['docs/node.md', { ...ENVIRON_OPTIONS, ...GATEWAY_OPTIONS }],
    ['docs/express.md', EXPRESS_OPTIONS],
    ['docs/fastify.md', FASTIFY_OPTIONS],
    ['docs/fastcgi.md', { ...FASTCGI_CLIENT_OPTIONS, ...FASTCGI_SERVER_OPTIONS, ...CGI_ENVIRON_OPTIONS }],
    ['docs/fetch.md', FETCH_PROGRAM_OPTIONS],
    ['docs/lambda.md', LAMBDA_OPTIONS],
    ['docs/cgi.md', { ...CGI_OPTIONS, ...CGI_ENVIRON_OPTIONS, ...CGI_PROGRAM_OPTIONS }],
  ])('of %s have a row for each option', (page, table) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const name of Object.keys(table))
      expect(text).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\| \\S`, 'm'));
  });

  it('name a table that is there', () => {
    const page = '<!-- options: NONE in src/server/options.ts -->\n<!-- end of options -->';
    expect(() => withOptionTables(page)).toThrow('src/server/options.ts has no table NONE');
  });
});

describe('docs/cli.md', () => {
  const text = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');

  it('has the flags of the command: `npm run docs` writes them', () => {
    expect(text).toBe(withFlagTables(text));
    expect(text.match(/^\| (?:`-\w`, )?`--/gm)?.length).toBe(Object.keys(FLAGS).length);
  });

  it('lists every exit code', () => {
    const codes = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(EXIT_CODES);
  });
});

describe('docs/migrating.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/migrating.md'), 'utf8').match(/^\|.*\|$/gm) ?? [];
  /** The last cell of each row says what is here. */
  const flags = rows.flatMap(
    (row) =>
      row
        .split('|')
        .at(-2)
        ?.match(/(?<=`|\s)--[a-z][a-z-]+/g) ?? [],
  );

  it('names flags that the command has', () => {
    expect(flags.length).toBeGreaterThan(40);
    const known = new Set(
      Object.keys(FLAGS).flatMap((name) => [flagOf(name), flagOf(name).replace('--', '--no-')]),
    );
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });
});

describe('docs/coming-from-wsgi.md', () => {
  const manifest: { readonly exports: Readonly<Record<string, string | { readonly default: string }>> } =
    JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const sources = Object.entries(manifest.exports).flatMap(([key, target]) =>
    typeof target === 'string'
      ? []
      : [[key.replace('.', 'gatebridge'), target.default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts')] as const],
  );
  const exported = new Map<string, readonly string[]>();
  beforeAll(async () => {
    for (const [entry, source] of sources) exported.set(entry, Object.keys(await import(join(ROOT, source))));
  });

  /** What the tables say that is here: the second of three cells. */
  const cells = readFileSync(join(ROOT, 'docs/coming-from-wsgi.md'), 'utf8')
    .split('\n')
    .map((line) => line.split(' | '))
    .filter(([first = '', , , ...more]) => first.startsWith('| ') && more.length === 0)
    .map(([, here = '']) => here);
  /** Functions that are called, and no methods. */
  const calls = cells.flatMap((cell) => {
    const spans = [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
    return spans.flatMap((span) => [...span.matchAll(/(?<![.\w])(\w+)\(/g)].map(([, name = '']) => name));
  });

  it('has the tables', () => {
    expect(cells.length).toBeGreaterThan(80);
    expect(calls.length).toBeGreaterThan(80);
  });

  it('names functions that exist', () => {
    const methods = ['startResponse', 'call', 'return', 'addHeader'];
    const names = new Set([...[...exported.values()].flat(), ...methods]);
    expect(calls.filter((name) => !names.has(name) && !(name in globalThis))).toEqual([]);
  });

  it('says of which entry they are', () => {
    const claims = cells.flatMap((cell) => [
      ...cell.matchAll(/`(?:new )?(\w+)\([^`]*` of `(gatebridge[\w/]*)`/g),
    ]);
    expect(claims.length).toBeGreaterThan(5);
    const wrong = claims.filter(([, name = '', entry = '']) => exported.get(entry)?.includes(name) !== true);
    expect(wrong.map(([claim]) => claim)).toEqual([]);
  });
});

describe('CHANGELOG.md', () => {
  it('has the version of the package on top', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(/^## (\S+)/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))?.[1]).toBe(version);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(file).includes(anchor);
}

/** The anchors that a page's headings get on the usual hosts of repositories. */
function anchorsOf(file: string): string[] {
  if (!basename(file).endsWith('.md')) return [];
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Finds the names of files and folders; `*` and `<word>` in them stand for any characters. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/`([\w.<>*/-]+)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => name.includes('/') || /\.(?:ts|md|json)$/.test(name));
}

/**
 * Finds the names that lead nowhere. A name with a folder is below src or the root. A name without one is beside the
 * name before it, in the same paragraph, item or row.
 */
function lostNames(page: string): string[] {
  return page.split(/\n(?=\n|\||- |\d+\. )/).flatMap((part) => {
    let folder: string | undefined;
    return namesIn(part).filter((name) => {
      const path = name.replace(/\/$/, '');
      const candidates = name.includes('/')
        ? [`src/${path}`, path]
        : folder === undefined
          ? []
          : [`${folder}/${path}`];
      const found = candidates.map(findPath).find((candidate) => candidate !== undefined);
      if (found === undefined) return true;
      folder = statSync(join(ROOT, found)).isDirectory() ? found : dirname(found);
      return false;
    });
  });
}

/** Finds the first file or folder of the repository that a pattern matches, part by part. */
function findPath(pattern: string): string | undefined {
  let found = [''];
  for (const part of pattern.split('/')) {
    const matcher = new RegExp(`^${part.replace(/[.-]/g, '\\$&').replace(/\*|<\w+>/g, '[^/]+')}$`);
    found = found
      .filter((path) => statSync(join(ROOT, path)).isDirectory())
      .flatMap((path) => readdirSync(join(ROOT, path)).map((name) => posix.join(path, name)))
      .filter((path) => matcher.test(basename(path)));
  }
  return found[0];
}

async function readPort(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  for (;;) {
    const port = /:(\d+)\//.exec(output)?.[1];
    if (port !== undefined) return port;
    if (child.stdout === null) throw new Error('The program has no output');
    await once(child.stdout, 'data');
  }
}
