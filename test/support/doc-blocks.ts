/**
 * The TypeScript of the pages, laid out as the project of a user: each block is a file, beside the others of its page.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { compiledPackage } from '../cli/compiled.ts';

const ROOT = join(import.meta.dirname, '../..');
const MODULES = join(ROOT, 'node_modules');

/** Every page whose links and blocks are checked. */
export const PAGES: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md'],
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

export interface Block {
  /** Where it is written to, from the folder of all blocks; the first line of a block may name it. */
  readonly path: string;
  readonly text: string;
}

export const BLOCKS: readonly Block[] = PAGES.flatMap(readBlocks);

/** Says that a block fails by itself if it does not do what its page says. */
export const holdsItself = ({ text }: Block): boolean => /node:assert|supertest/.test(text);

/** All blocks, compiled by the rules of this repository against the compiled package. */
export class BlockProject {
  /** Output of the compiler. */
  readonly complaints: string;
  readonly folder: string;

  private constructor(folder: string, complaints: string) {
    this.folder = folder;
    this.complaints = complaints;
  }

  static async compile(): Promise<BlockProject> {
    const folder = layOut('node');
    const options = { noUnusedLocals: false, noUnusedParameters: false, paths: {} };
    const output = { noEmit: false, rootDir: '.', outDir: 'compiled' };
    const complaints = await compile(folder, {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { ...options, ...output },
    });
    return new BlockProject(folder, complaints);
  }

  compiledPath(path: string): string {
    return join(this.folder, 'compiled', path.replace(/\.ts$/, '.js'));
  }

  compiledText(path: string): string {
    return readFileSync(this.compiledPath(path), 'utf8');
  }

  /** Runs a block. */
  start(path: string): ChildProcess {
    return spawn(process.execPath, [this.compiledPath(path)], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Compiles all blocks as a strict user does who installs today, and returns the output of the compiler. */
export async function complaintsWithNewestTypes(moduleResolution: string): Promise<string> {
  const folder = layOut('types-node-latest');
  try {
    return await compile(folder, {
      compilerOptions: {
        ...{
          target: 'es2022',
          lib: ['es2022'],
          types: ['node'],
          noEmit: true,
          allowImportingTsExtensions: true,
        },
        ...{ module: moduleResolution === 'bundler' ? 'preserve' : moduleResolution, moduleResolution },
        ...{
          strict: true,
          exactOptionalPropertyTypes: true,
          verbatimModuleSyntax: true,
          skipLibCheck: false,
        },
        // The types of others find those of Node here, not beside the files that the links lead to.
        preserveSymlinks: true,
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a project of all blocks, which has the packages of this repository, and these types of Node. */
function layOut(nodeTypes: 'node' | 'types-node-latest'): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-docs-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  const names = readdirSync(MODULES).filter((one) => !one.startsWith('.') && one !== '@types');
  for (const name of names) symlinkSync(join(MODULES, name), join(modules, name));
  for (const name of readdirSync(join(MODULES, '@types')).filter((one) => one !== 'node'))
    symlinkSync(join(MODULES, '@types', name), join(modules, '@types', name));
  const types = nodeTypes === 'node' ? '@types/node' : nodeTypes;
  symlinkSync(join(MODULES, types), join(modules, '@types/node'));
  symlinkSync(compiledPackage(), join(modules, 'gatebridge'));
  for (const { path, text } of BLOCKS) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

async function compile(folder: string, config: object): Promise<string> {
  const include = BLOCKS.map(({ path }) => path);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, include }));
  const tsc = join(MODULES, '.bin/tsc');
  const result = await promisify(execFile)(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  return result.stdout;
}

function readBlocks(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = ''], index) => {
    const name = /^\/\/ ([\w-]+\.ts)\n/.exec(block)?.[1] ?? `block-${index + 1}.ts`;
    return { path: join(page, name), text: block };
  });
}
