/**
 * Says what is wrong with the options of TLS: node's messages are those of OpenSSL, and name no option.
 *
 * Rule: what node accepts is accepted, but for names of files in `ca`, which node passes over in silence.
 */

import type { TlsOptions } from 'node:tls';
import { isError } from '../../errors.ts';
import { isOctets } from '../../gateway/octets.ts';
import { lateModule } from '../../node-internals/index.ts';

/** Options that hold PEM, with a word that stands in the label of each right block. */
const LABELS: readonly (readonly [name: keyof TlsOptions, word: string, meaning: string])[] = [
  ['key', 'PRIVATE KEY', 'a private key'],
  ['cert', 'CERTIFICATE', 'a certificate'],
  ['ca', 'CERTIFICATE', 'certificates'],
  ['crl', 'X509 CRL', 'a revocation list'],
];

/**
 * Refuses names of files in the place of authorities. node would take them for none, and turn every client away.
 *
 * @throws TypeError that says what to pass
 */
export function checkAuthorities({ ca }: TlsOptions): void {
  const name = textsOf(ca).find((text) => !hasBlock(text) && isFileName(text));
  if (name === undefined) return;
  const error = new TypeError(`Option tls: ca must be certificates in PEM, ${describeText('ca', name)}`);
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/**
 * Explains an error of `tls.createServer`.
 *
 * @param error The thrown value
 * @param tls The option `tls`
 * @returns a TypeError that says what to pass, with node's code, and node's error as its cause; or the very error
 */
export function explainTlsFault(error: unknown, tls: TlsOptions): unknown {
  if (!isError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_INVALID_ARG_VALUE';
  const fault =
    findWrongText(tls) ?? findWrongPassphrase(error, tls) ?? findMismatch(code) ?? findDamage(error, tls);
  if (fault === undefined) return error;
  return Object.assign(new TypeError(`Option tls: ${fault}`, { cause: error }), { code });
}

function findWrongText(tls: TlsOptions): string | undefined {
  for (const [name, word, meaning] of LABELS) {
    for (const text of textsOf(tls[name])) {
      if (!hasBlock(text)) return `${name} must be ${meaning} in PEM, ${describeText(name, text)}`;
      const label = /-----BEGIN ([^\n-]*)-----/.exec(text)?.[1] ?? '';
      if (!label.includes(word)) return `${name} must be ${meaning} in PEM, not ${JSON.stringify(label)}`;
    }
  }
  const pfx = textsOf(tls.pfx).find(isFileName);
  return pfx === undefined ? undefined : `pfx must be the content of a file, ${describeText('pfx', pfx)}`;
}

/** Versions of OpenSSL have other codes for the same. */
function findWrongPassphrase({ message }: Error, { passphrase, pfx }: TlsOptions): string | undefined {
  if (!/bad decrypt|mac verify failure|interrupted or cancelled|passphrase/i.test(message)) return undefined;
  const name = pfx === undefined ? 'key' : 'pfx';
  return passphrase === undefined
    ? `${name} is encrypted: set passphrase`
    : `passphrase is not that of ${name}`;
}

function findMismatch(code: string): string | undefined {
  return code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
    ? 'key is not the key of cert, which must begin with the certificate of the server'
    : undefined;
}

/** Finds the option whose block cannot be read. */
function findDamage({ message }: Error, { key, cert, pfx, passphrase = '' }: TlsOptions): string | undefined {
  const { createPrivateKey, X509Certificate } = lateModule('node:crypto');
  if (textsOf(key).some((text) => throws(() => createPrivateKey({ key: text, passphrase }))))
    return 'key is damaged: its block cannot be read';
  if (textsOf(cert).some((text) => throws(() => new X509Certificate(text))))
    return 'cert is damaged: its first block cannot be read';
  return pfx !== undefined && /not enough data|asn1/i.test(message)
    ? 'pfx is no PKCS #12, or damaged'
    : undefined;
}

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}

/** node takes a text, a Buffer, and lists of these and of objects that hold them. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'string') return [value];
  if (isOctets(value)) return [Buffer.from(value).toString('latin1')];
  if (typeof value !== 'object' || value === null) return [];
  return textsOf(Reflect.get(value, 'pem') ?? Reflect.get(value, 'buf'));
}

function hasBlock(text: string): boolean {
  return text.includes('-----BEGIN ');
}

function describeText(name: string, text: string): string {
  return isFileName(text)
    ? `not the name of a file: pass readFileSync(${JSON.stringify(text)})`
    : `but this ${name} has no line that begins a block`;
}

function isFileName(text: string): boolean {
  return text.length < 1_000 && /^[\x20-\x7e]*[./\\][\x20-\x7e]*$/.test(text);
}
