/** What both servers of PHP share: a hello, and a php-fpm with as many children. Each ends with this process, also if that is killed. */
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { runBeside } from './beside.ts';
import { HELLO, HELLO_LENGTH } from './contender.ts';

/** A php-fpm that runs. */
export interface PhpFpm {
  readonly folder: string;
  readonly script: string;
  readonly socket: string;
  readonly pid: number;
}

/** Children of php-fpm. */
export const CHILDREN = 2;

/** Starts php-fpm with a script, in a folder of this process. */
export async function startPhpFpm(): Promise<PhpFpm> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-bench-'));
  const script = join(folder, 'index.php');
  const socket = join(folder, 'fpm.sock');
  const lines = [
    '<?php',
    // So that all send the same fields.
    "header_remove('X-Powered-By');",
    "header('Server: php-fpm');",
    "header('Content-Type: text/plain');",
    `header('Content-Length: ${HELLO_LENGTH}');`,
    `echo '${HELLO}';`,
  ];
  writeFileSync(script, lines.join('\n'));
  const isRoot = process.getuid?.() === 0;
  const { username } = userInfo();
  const settings = [
    ...[
      '[global]',
      'daemonize = no',
      `error_log = ${join(folder, 'fpm.log')}`,
      '[bench]',
      `listen = ${socket}`,
    ],
    ...['pm = static', `pm.max_children = ${CHILDREN}`],
    ...(isRoot ? [`user = ${username}`, `group = ${username}`] : []),
  ];
  const file = join(folder, 'fpm.conf');
  writeFileSync(file, `${settings.join('\n')}\n`);
  const pid = await runBeside(
    `${findPhpFpm()} --nodaemonize --fpm-config ${file} ${isRoot ? '-R' : ''}`,
    `rm -rf ${folder}`,
  );
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 50));
  return { folder, script, socket, pid };
}

/** Debian names the program by the version of PHP. */
function findPhpFpm(): string {
  const name = readdirSync('/usr/sbin').find((one) => one.startsWith('php-fpm'));
  if (name === undefined) throw new Error('There is no php-fpm: apt-get install php-fpm');
  return join('/usr/sbin', name);
}
