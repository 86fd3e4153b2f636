/**
 * The certificate and its key, from files that change while the server runs.
 *
 * The supervisor reads them, with its own rights, and hands them to its workers (worker-messages.ts). A pair counts once certificate
 * and key fit together: whoever renews them may write one after the other.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { isError } from '../errors.ts';
import { CommandError } from './exit-codes.ts';
import type { Log } from './log.ts';
import { pathOf, type Settings } from './settings.ts';

/** Milliseconds between two looks at the files. */
const INTERVAL = 2_000;

/** Milliseconds after which tickets of earlier sessions count no more. */
const TICKET_LIFE = 12 * 3_600_000;

/** Options of TLS that the supervisor gives to its workers. As text, because they are sent. */
export interface Secrets {
  /** PEM, as in the file. */
  readonly cert?: string;
  readonly key?: string;
  /** In base64: the key of session tickets. All workers take those of one another. */
  readonly ticketKeys?: string;
}

/** The settings that name the files. */
export type CertificateSettings = Pick<Settings, 'cert' | 'key' | 'folder' | 'server'>;

/** Gives the secrets for a server, as options of node's. */
export function tlsOptions({ cert, key, ticketKeys }: Secrets): {
  cert?: string;
  key?: string;
  ticketKeys?: Buffer;
} {
  return {
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(ticketKeys !== undefined && { ticketKeys: Buffer.from(ticketKeys, 'base64') }),
  };
}

/** Who uses a certificate. */
export interface CertificateUse {
  /** Several processes serve, and take the tickets of one another. */
  readonly isShared?: boolean;
  /** Called when `secrets` has changed. */
  readonly onChange?: () => void;
}

/** Reads the files, and tells when they have changed. */
export class Certificate {
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #isShared: boolean;
  #settings: CertificateSettings;
  #pair: Secrets;
  #ticketKeys = newTicketKeys();
  /** What has been told of files that do not fit. */
  #complaint: string | undefined;
  #watched: readonly string[] = [];
  #rotation: NodeJS.Timeout | undefined;

  /**
   * @param settings The settings that name the files, if there are any
   * @throws {@link CommandError} if certificate and key cannot be read, or do not fit together
   */
  constructor(settings: CertificateSettings, log: Log, { isShared = false, onChange }: CertificateUse = {}) {
    this.#settings = settings;
    this.#log = log;
    this.#isShared = isShared;
    this.#onChange = onChange ?? ((): void => undefined);
    try {
      this.#pair = readPair(settings);
    } catch (error) {
      throw new CommandError('usage', `The server cannot be made: ${messageOf(error)}`);
    }
  }

  /** The last pair that has fitted. */
  get secrets(): Secrets {
    const isSecure = this.#settings.cert !== undefined || this.#settings.server.tls !== undefined;
    // The user's own keys win.
    const hasOwn = this.#settings.server.tls?.ticketKeys !== undefined;
    return { ...this.#pair, ...(isSecure && this.#isShared && !hasOwn && { ticketKeys: this.#ticketKeys }) };
  }

  /** Looks at the files from now on. */
  watch(): void {
    const { cert, key } = this.#settings;
    this.#watched = [cert, key].flatMap((name) => (name === undefined ? [] : [pathOf(this.#settings, name)]));
    // It compares what a link leads to.
    for (const path of this.#watched)
      watchFile(path, { interval: INTERVAL, persistent: false }, () => this.check());
    this.#rotation ??= setInterval(() => {
      this.#ticketKeys = newTicketKeys();
      this.#onChange();
    }, TICKET_LIFE).unref();
  }

  close(): void {
    for (const path of this.#watched) unwatchFile(path);
    this.#watched = [];
    clearInterval(this.#rotation);
    this.#rotation = undefined;
  }

  /** Takes the files of other settings. */
  use(settings: CertificateSettings): void {
    this.#settings = settings;
    this.close();
    this.watch();
    this.check();
  }

  /** Reads the files again. While they do not fit together the old pair stays, and the log says so once. */
  check(): void {
    try {
      const pair = readPair(this.#settings);
      this.#complaint = undefined;
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      this.#log.info('The certificate was read anew');
      this.#onChange();
    } catch (error) {
      const complaint = messageOf(error);
      if (complaint === this.#complaint) return;
      this.#complaint = complaint;
      this.#log.error(`The new certificate cannot be used, the old one stays: ${complaint}`);
    }
  }
}

/** Reads the pair, and makes sure that it can be used. */
function readPair(settings: CertificateSettings): Secrets {
  const { cert, key, server } = settings;
  if (cert === undefined || key === undefined) return {};
  const pair = {
    cert: readFileSync(pathOf(settings, cert), 'utf8'),
    key: readFileSync(pathOf(settings, key), 'utf8'),
  };
  try {
    createSecureContext({ ...server.tls, ...pair });
  } catch (error) {
    const isMismatch = isError(error) && Reflect.get(error, 'code') === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    if (isMismatch) throw new Error(`${cert} and ${key} do not belong together`);
    if (isFaulty({ cert: pair.cert })) throw unusable(`Certificate ${cert}`, error);
    throw isFaulty({ key: pair.key, passphrase: server.tls?.passphrase })
      ? unusable(`Key ${key}`, error)
      : error;
  }
  return pair;
}

/** Tells if OpenSSL refuses one of the two by itself. */
function isFaulty(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return false;
  } catch {
    return true;
  }
}

function unusable(name: string, error: unknown): Error {
  const message = messageOf(error);
  if (/no start line|DECODER routines::unsupported/.test(message))
    return new Error(`${name} is not in PEM form`);
  if (/interrupted or cancelled|bad decrypt|bad password/.test(message))
    return new Error(`${name} is encrypted, and its passphrase is missing or wrong`);
  return new Error(`${name} cannot be used: ${message}`);
}

/** 48 octets are what node wants: a name, a key for the digest, and one for the cipher. */
function newTicketKeys(): string {
  return randomBytes(48).toString('base64');
}

function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}
