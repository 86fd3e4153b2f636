/** Runs the command in a folder of its own, as a person does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { compiledPackage } from './compiled.ts';

/** Made while the file is loaded: a build may take longer than a test may. */
const PACKAGE = compiledPackage();

const MODULES = join(import.meta.dirname, '../../node_modules');

/** A folder with files, and with the package installed. It is removed when the test is over. */
export function projectFolder(
  files: Readonly<Record<string, string>>,
  packages: readonly string[] = [],
): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gatebridge-cli-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(PACKAGE, join(folder, 'node_modules/gatebridge'));
  for (const name of packages) symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
  writeFiles(folder, { 'package.json': '{ "type": "module" }', ...files });
  return folder;
}

/** Writes files into a folder. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** How a process has ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Options of {@link Command}. */
export interface CommandOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node in front of the script. */
  readonly node?: readonly string[];
  /** The words in front of node, which run it elsewhere. */
  readonly within?: readonly string[];
}

/** One run of the command. It is killed when the test is over. */
export class Command {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;

  constructor(args: readonly string[], { folder, env = {}, node = [], within = [] }: CommandOptions) {
    const script = join(folder, 'node_modules/gatebridge/dist/src/cli/main.js');
    const [program = '', ...words] = [...within, process.execPath, ...node, script, ...args];
    const { PORT: _port, HOST: _host, WEB_CONCURRENCY: _workers, ...inherited } = process.env;
    this.child = spawn(program, words, {
      cwd: folder,
      env: { ...inherited, NODE_OPTIONS: '', ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exit = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    onTestFinished(() => {
      if (this.child.exitCode === null) this.child.kill('SIGKILL');
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until standard error has a text. */
  async says(pattern: RegExp, since = 0): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stderr.slice(since));
      if (found !== null) return found;
      if (this.child.exitCode !== null)
        throw new Error(`Ended without ${pattern}:\n${this.stderr}${this.stdout}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits until it serves. */
  async url(): Promise<string> {
    const [, url = ''] = await this.says(/listen +(https?:\/\/\S+)/);
    return url;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs the command to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<Command & Exit> {
  const command = new Command(args, options);
  return Object.assign(command, await command.exit);
}

/** An application in JavaScript that says hello. */
export const HELLO = `
export function app(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('Hello from ' + (environ.SCRIPT_NAME || 'the root') + environ.PATH_INFO)];
}
`;
