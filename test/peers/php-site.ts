/** A php-fpm with a folder of scripts, for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Debian names the program by the version of PHP. */
export const PHP_FPM: readonly string[] = [
  '/usr/sbin/php-fpm8.2',
  '/usr/sbin/php-fpm8.3',
  '/usr/sbin/php-fpm8.4',
  'php-fpm',
];

/** A running php-fpm. */
export class PhpSite {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'gatebridge-php-')));
  /** The folder of the scripts. */
  readonly root: string = join(this.folder, 'root');
  readonly socket: string = join(this.folder, 'fpm.sock');
  readonly #program: string;
  #child: ChildProcess | undefined;

  constructor(program: string) {
    this.#program = program;
    mkdirSync(this.root);
  }

  /** Writes a file below the root, and gives its path. */
  write(name: string, source: string | Buffer): string {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, source);
    return path;
  }

  /** Starts php-fpm. @param settings Lines of its pool */
  async start(children = 4, settings: readonly string[] = []): Promise<void> {
    // Only one can be stopped.
    await this.stop();
    const isRoot = process.getuid?.() === 0;
    const { username } = userInfo();
    const lines = [
      ...['[global]', 'daemonize = no', `error_log = ${join(this.folder, 'fpm.log')}`],
      ...['[test]', `listen = ${this.socket}`, 'pm = static', `pm.max_children = ${children}`],
      ...(isRoot ? [`user = ${username}`, `group = ${username}`] : []),
      ...['catch_workers_output = yes', 'clear_env = yes', `php_value[session.save_path] = ${this.folder}`],
      ...[
        'php_value[memory_limit] = 512M',
        'php_value[upload_max_filesize] = 512M',
        'php_value[post_max_size] = 512M',
      ],
      ...[
        `php_value[upload_tmp_dir] = ${this.folder}`,
        'php_value[display_errors] = 0',
        'php_value[log_errors] = 1',
      ],
      ...settings,
    ];
    const file = join(this.folder, 'fpm.conf');
    writeFileSync(file, `${lines.join('\n')}\n`);
    rmSync(this.socket, { force: true });
    const flags = ['--nodaemonize', '--fpm-config', file, ...(isRoot ? ['--allow-to-run-as-root'] : [])];
    this.#child = spawn(this.#program, flags, { stdio: 'ignore' });
    for (let waited = 0; waited < 10_000 && !existsSync(this.socket); waited += 20) await delay(20);
    if (!existsSync(this.socket)) throw new Error(`php-fpm did not start: ${this.log()}`);
  }

  log(): string {
    return readFileSync(join(this.folder, 'fpm.log'), 'utf8');
  }

  /** Sends a signal to the main process, such as SIGUSR2 to reload. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Kills the main process and its children, as the system does that has no memory left. */
  async killAll(): Promise<void> {
    const { pid } = this.#child ?? {};
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const ended = this.#child && once(this.#child, 'exit');
    this.kill('SIGKILL');
    for (const child of children) process.kill(Number(child), 'SIGKILL');
    await ended;
  }

  /** Ends the main process by a signal: SIGQUIT lets requests end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Stops php-fpm and removes the folder. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
