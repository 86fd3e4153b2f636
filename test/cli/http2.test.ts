/** HTTP/2 of the command: over TLS and without, in one process and in workers. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { fetchHttp2 } from '../server/http2/support.ts';
import { Command, HELLO, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const SUPPORT = join(import.meta.dirname, '../support/tls');
const FILES = {
  'app.js': HELLO,
  'tls/cert.pem': readFileSync(join(SUPPORT, 'cert.pem'), 'utf8'),
  'tls/key.pem': readFileSync(join(SUPPORT, 'key.pem'), 'utf8'),
};
const TLS = ['--cert', 'tls/cert.pem', '--key', 'tls/key.pem'];

it.each([
  ['without TLS', []],
  ['over TLS', TLS],
  ['over TLS, in workers', [...TLS, '-w', '2']],
])('speaks HTTP/2 %s, and ends sessions in order', async (_name, flags) => {
  const command = new Command(['app.js', '-p', '0', '--no-access-log', '--http2', ...flags], {
    folder: projectFolder(FILES),
  });
  const session = connect(await command.url(), { rejectUnauthorized: false });
  session.on('error', () => {});
  const codes: number[] = [];
  session.on('goaway', (code) => codes.push(code));
  expect((await fetchHttp2(session)).status).toBe(200);
  const isClosed = new Promise<void>((resolve) => session.on('close', resolve));
  command.kill('SIGTERM');
  await isClosed;
  // node may say it twice: that it takes no more streams, and that the last has ended.
  expect(new Set(codes)).toEqual(new Set([0]));
});
