import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createServer, serve } from '../../../src/server/index.ts';
import { hello } from '../support.ts';

const FOLDER = join(import.meta.dirname, '../../support/tls');
const [key = '', cert = '', otherKey = ''] = ['key', 'cert', 'client-key'].map((name) =>
  readFileSync(join(FOLDER, `${name}.pem`), 'utf8'),
);
const encrypted = createPrivateKey(key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});

const block = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;

describe('a wrong option of TLS', () => {
  it.each<[string, object, string]>([
    [
      'names of files',
      { key: 'key.pem', cert: 'cert.pem' },
      'key must be a private key in PEM, not the name of a file: pass readFileSync("key.pem")',
    ],
    [
      'a path of a certificate',
      { key, cert: '/etc/site/cert.crt' },
      'cert must be a certificate in PEM, not the name of a file: pass readFileSync("/etc/site/cert.crt")',
    ],
    [
      'names of files in lists and objects',
      { key: [{ pem: './key.pem' }], cert: [cert] },
      'key must be a private key in PEM, not the name of a file: pass readFileSync("./key.pem")',
    ],
    [
      'the name of a file of authorities, which node would pass over',
      { key, cert, ca: ['ca.pem'], requestCert: true },
      'ca must be certificates in PEM, not the name of a file: pass readFileSync("ca.pem")',
    ],
    [
      'the name of a revocation list',
      { key, cert, crl: 'revoked.crl' },
      'crl must be a revocation list in PEM, not the name of a file: pass readFileSync("revoked.crl")',
    ],
    [
      'the name of a PKCS #12 file',
      { pfx: 'site.pfx' },
      'pfx must be the content of a file, not the name of a file: pass readFileSync("site.pfx")',
    ],
    [
      'any text',
      { key: 'abc', cert },
      'key must be a private key in PEM, but this key has no line that begins a block',
    ],
    ['octets', { pfx: Buffer.from('abc') }, 'pfx is no PKCS #12, or damaged'],
    ['both exchanged', { key: cert, cert: key }, 'key must be a private key in PEM, not "CERTIFICATE"'],
    [
      'the key of another certificate',
      { key: otherKey, cert },
      'key is not the key of cert, which must begin with the certificate of the server',
    ],
    ['a damaged key', { key: block('PRIVATE KEY'), cert }, 'key is damaged: its block cannot be read'],
    [
      'a damaged certificate',
      { key, cert: block('CERTIFICATE') },
      'cert is damaged: its first block cannot be read',
    ],
    ['no passphrase', { key: encrypted, cert }, 'key is encrypted: set passphrase'],
    ['a wrong passphrase', { key: encrypted, cert, passphrase: 'other' }, 'passphrase is not that of key'],
  ])('is named with its cure: %s', async (_name, tls, message) => {
    expect(() => createServer(hello, { tls })).toThrow(
      expect.objectContaining({ name: 'TypeError', message: `Option tls: ${message}` }),
    );
    await expect(serve(hello, { tls, port: 0 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/),
    });
  });

  it('keeps the code and the error of node', () => {
    const make = (): unknown => createServer(hello, { tls: { key: otherKey, cert } });
    const code = 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    expect(make).toThrow(expect.objectContaining({ code, cause: expect.objectContaining({ code }) }));
  });

  it('is told in the words of node where they are clear', () => {
    expect(() => createServer(hello, { tls: { key, cert, minVersion: 'TLSv9' as never } })).toThrow(/TLSv9/);
    expect(() => createServer(hello, { tls: { key, cert, ciphers: 'none' } })).toThrow(/no cipher match/);
  });

  it.each([
    { key: encrypted, cert, passphrase: 'secret' },
    { key, cert, ca: cert },
    { key: [key], cert: [cert] },
  ])('is no right one: %#', (tls) => {
    expect(createServer(hello, { tls }).listening).toBe(false);
  });
});
