/** A MariaDB in a temporary folder, on a unix socket. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { requirePeer } from '../../support/peer.ts';

/** Starts MariaDB with empty databases, and a user `ada` with the password `lovelace`. Ends after the test. @returns the path of the socket */
export async function startMariaDb(context: TestContext, ...databases: string[]): Promise<string> {
  const program = requirePeer(context, '/usr/sbin/mariadbd', 'mariadbd');
  const install = requirePeer(context, 'mariadb-install-db');
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-mariadb-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const data = join(folder, 'data');
  const socket = join(folder, 'db.sock');
  const common = ['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`];
  const flags = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  execFileSync(install, [...common, ...flags], { stdio: 'pipe' });
  const statements = [
    "CREATE USER ada@localhost IDENTIFIED BY 'lovelace';",
    'GRANT ALL ON *.* TO ada@localhost;',
    ...databases.map((name) => `CREATE DATABASE ${name};`),
  ];
  writeFileSync(join(folder, 'init.sql'), `${statements.join('\n')}\n`);
  const child = spawn(
    program,
    [
      ...common,
      ...[`--socket=${socket}`, '--skip-networking', `--pid-file=${join(folder, 'pid')}`],
      ...[`--init-file=${join(folder, 'init.sql')}`, '--innodb-flush-log-at-trx-commit=0', '--skip-log-bin'],
    ],
    { stdio: 'ignore' },
  );
  context.onTestFinished(async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  for (let waited = 0; !existsSync(socket) && child.exitCode === null && waited < 15_000; waited += 50)
    await delay(50);
  if (!existsSync(socket)) throw new Error('MariaDB did not start');
  return socket;
}
