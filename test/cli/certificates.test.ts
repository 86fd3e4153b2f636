/** HTTPS of the command: certificates that change while it runs, handshakes during a reload, sessions of other workers. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, symlinkSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder, writeFiles } from './command.ts';
import { LoadClients } from './load-clients.ts';

vi.setConfig({ testTimeout: 60_000 });

const SUPPORT = join(import.meta.dirname, '../support/tls');
const read = (name: string): string => readFileSync(join(SUPPORT, name), 'utf8');
const OLD = { cert: read('cert.pem'), key: read('key.pem') };
const NEW = { cert: read('client-cert.pem'), key: read('client-key.pem') };

const FLAGS = ['app.js', '-p', '0', '--no-access-log', '--cert', 'tls/cert.pem', '--key', 'tls/key.pem'];
const KINDS = [['one process', []] as const, ['workers', ['-w', '2']] as const];

/** `npm run tour` sets TOUR; the suite has each case once. */
const isTour = process.env.TOUR === '1';

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 20_000, interval: 100 });

/** Sends a request on a new connection, and gives the certificate that the server has shown. */
async function certificateOf(url: string): Promise<string> {
  const sent = request(url, { rejectUnauthorized: false, agent: false }).end();
  const [response] = await once(sent, 'response');
  // The socket of a secure request.
  const { raw } = (response.socket as TLSSocket).getPeerCertificate();
  response.resume();
  await once(response, 'end');
  return derOf(raw.toString('base64'));
}

/** The content of a PEM file, without its lines. */
function derOf(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, '');
}

describe.each(KINDS)('a certificate that changes in %s', (_kind, flags) => {
  it.runIf(isTour || flags.length > 0)(
    'and its key later: the old pair stays until both fit, and one line says so',
    async () => {
      const folder = projectFolder({ 'app.js': HELLO, 'tls/cert.pem': OLD.cert, 'tls/key.pem': OLD.key });
      const command = new Command([...FLAGS, ...flags], { folder });
      const url = await command.url();
      expect(await certificateOf(url)).toBe(derOf(OLD.cert));
      writeFiles(folder, { 'tls/cert.pem': NEW.cert });
      await command.says(/tls\/cert\.pem and tls\/key\.pem do not belong together/);
      if (flags.length > 0) {
        // New workers have the old pair too.
        command.kill('SIGHUP');
        await command.says(/Reloaded/);
      }
      // It is written once more, as some tools do.
      writeFiles(folder, { 'tls/cert.pem': NEW.cert });
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(await certificateOf(url)).toBe(derOf(OLD.cert));
      writeFiles(folder, { 'tls/key.pem': NEW.key });
      await command.says(/The certificate was read anew/);
      await eventually(() => certificateOf(url)).toBe(derOf(NEW.cert));
      expect(command.stderr.match(/do not belong together/g)).toHaveLength(1);
      expect(command.stderr.match(/was read anew/g)).toHaveLength(1);
    },
  );

  it.runIf(isTour || flags.length === 0)(
    'by links that lead elsewhere, as those of certbot and Kubernetes',
    async () => {
      const folder = projectFolder({
        'app.js': HELLO,
        'tls/..1/cert.pem': OLD.cert,
        'tls/..1/key.pem': OLD.key,
        'tls/..2/cert.pem': NEW.cert,
        'tls/..2/key.pem': NEW.key,
      });
      const tls = join(folder, 'tls');
      symlinkSync('..1', join(tls, '..data'));
      for (const name of ['cert.pem', 'key.pem']) symlinkSync(`..data/${name}`, join(tls, name));
      const command = new Command([...FLAGS, ...flags], { folder });
      const url = await command.url();
      expect(await certificateOf(url)).toBe(derOf(OLD.cert));
      symlinkSync('..2', join(tls, '..next'));
      renameSync(join(tls, '..next'), join(tls, '..data'));
      await command.says(/The certificate was read anew/);
      await eventually(() => certificateOf(url)).toBe(derOf(NEW.cert));
    },
  );
});

it('a pair that does not fit at the start is told, with the files', async () => {
  const folder = projectFolder({ 'app.js': HELLO, 'tls/cert.pem': OLD.cert, 'tls/key.pem': NEW.key });
  for (const [, flags] of KINDS) {
    const command = new Command([...FLAGS, ...flags], { folder });
    expect(await command.exit).toEqual({ code: 2, signal: null });
    expect(command.stderr).toContain('tls/cert.pem and tls/key.pem do not belong together');
  }
});

const ENCRYPTED = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  ...({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const),
});

it.each([
  ['a certificate that is no PEM', 'text', OLD.key, 'Certificate tls/cert.pem is not in PEM form'],
  ['a key that is no PEM', OLD.cert, 'text', 'Key tls/key.pem is not in PEM form'],
  ['a key in the place of the certificate', OLD.key, OLD.key, 'Certificate tls/cert.pem is not in PEM form'],
  [
    'a key with a passphrase',
    OLD.cert,
    ENCRYPTED,
    'Key tls/key.pem is encrypted, and its passphrase is missing',
  ],
])('%s is told by its flag and file', async (_case, cert, key, message) => {
  const folder = projectFolder({ 'app.js': HELLO, 'tls/cert.pem': cert, 'tls/key.pem': String(key) });
  const command = new Command(FLAGS, { folder });
  expect(await command.exit).toEqual({ code: 2, signal: null });
  expect(command.stderr).toContain(message);
});

it('no handshake fails while workers are reloaded', async () => {
  const files = { 'app.js': HELLO, 'tls/cert.pem': OLD.cert, 'tls/key.pem': OLD.key };
  const command = new Command([...FLAGS, '-w', '2'], { folder: projectFolder(files) });
  const clients = new LoadClients({ port: Number(new URL(await command.url()).port), isSecure: true }, 8);
  await clients.served(100);
  for (let count = 0; count < (isTour ? 10 : 1); count += 1) {
    const since = command.stderr.length;
    command.kill('SIGHUP');
    await command.says(/Reloaded: 2 new workers/, since);
    await clients.served(100);
  }
  expect((await clients.stop()).failures).toEqual([]);
});

it.each(isTour ? (['TLSv1.2', 'TLSv1.3'] as const) : (['TLSv1.3'] as const))(
  'a session of %s is resumed by every worker',
  async (version) => {
    const app = `export const app = (e, s) => { s('200 OK', []); return [String(process.pid)]; };`;
    const files = { 'app.js': app, 'tls/cert.pem': OLD.cert, 'tls/key.pem': OLD.key };
    const command = new Command([...FLAGS, '-w', '3'], { folder: projectFolder(files) });
    const port = Number(new URL(await command.url()).port);
    let session: Buffer | undefined;
    const pids = new Set<string>();
    const isResumed: boolean[] = [];
    for (let count = 0; count < 12; count += 1) {
      const socket = connect({
        port,
        rejectUnauthorized: false,
        session,
        minVersion: version,
        maxVersion: version,
      });
      if (session === undefined) socket.once('session', (ticket: Buffer) => (session = ticket));
      await once(socket, 'secureConnect');
      isResumed.push(socket.isSessionReused());
      socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const text = (await socket.toArray()).join('');
      pids.add(text.slice(text.lastIndexOf('\n') + 1));
    }
    expect(pids.size).toBe(3);
    expect(isResumed).toEqual([false, ...Array.from({ length: 11 }, () => true)]);
  },
);
