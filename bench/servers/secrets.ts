/** The certificate of the servers with TLS: that of the tests, which installation.ts copies beside this folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../tls');

export const secrets: { readonly cert: Buffer; readonly key: Buffer } = {
  cert: readFileSync(join(FOLDER, 'cert.pem')),
  key: readFileSync(join(FOLDER, 'key.pem')),
};
