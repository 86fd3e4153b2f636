/** The slower one of two servers that start at once does not remove what the faster one has made. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { listenOn } from '../../src/cli/listen.ts';
import { writePidFile } from '../../src/cli/pid-file.ts';
import { takeAway } from '../../src/cli/take-away.ts';

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-away-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('removes a file that is stale, and knows that another process has done so', () => {
  const path = join(folderOfTest(), 'file');
  writeFileSync(path, 'old');
  expect(takeAway(path, (aside) => readFileSync(aside, 'utf8') === 'old')).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(takeAway(path, () => false)).toBe(true);
});

it('puts a file back that another process has made meanwhile', () => {
  const folder = folderOfTest();
  const path = join(folder, 'file');
  writeFileSync(path, 'new');
  expect(takeAway(path, (aside) => readFileSync(aside, 'utf8') === 'old')).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['file']);
});

it('leaves a file alone that its owner has made again while it was looked at', () => {
  const path = join(folderOfTest(), 'file');
  writeFileSync(path, 'new');
  const isGone = takeAway(path, () => {
    writeFileSync(path, 'again');
    return false;
  });
  expect(isGone).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('again');
});

it('a socket that was listened on meanwhile stays, and its path is told to be in use', async () => {
  const path = join(folderOfTest(), 'socket');
  const options = { backlog: 10, socketMode: undefined };
  const servers = [createServer(), createServer()];
  onTestFinished(() => {
    for (const server of servers) server.close();
  });
  const address = { kind: 'unix', path, text: `unix:${path}` } as const;
  const results = await Promise.allSettled(servers.map((server) => listenOn(server, address, options)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(results[1]).toMatchObject({
    reason: expect.objectContaining({ message: `Another process listens on unix:${path}` }),
  });
  await new Promise((resolve) => {
    const client = createConnection(path, () => resolve(client.destroy()));
  });
});

it('a pid file of a process that runs is not replaced, also an empty one that is being written', () => {
  const folder = folderOfTest();
  writeFileSync(join(folder, 'pid'), '');
  const remove = writePidFile({ pid: 'pid', folder });
  expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(`${process.pid}\n`);
  remove();
  writeFileSync(join(folder, 'pid'), `${process.ppid}\n`);
  expect(() => writePidFile({ pid: 'pid', folder })).toThrow(/runs already/);
});
