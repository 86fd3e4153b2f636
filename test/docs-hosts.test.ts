/**
 * The host in docs/hosts.md is complete: as a module of its own it passes the audits.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type AuditCapability,
  type AuditGatewayOptions,
  type AuditHost,
  gatewayAudits,
  missingCapabilities,
} from '../src/conformance/index.ts';
import type { Application } from '../src/index.ts';
import { parseSource } from './architecture/source.ts';
import { auditHost } from './conformance/conformance.ts';
import { createLog, listen, SHARED_KEY } from './conformance/listening.ts';
import { WRAPPERS } from './conformance/wrappers.ts';

type ToListener = (application: Application, options: AuditGatewayOptions) => RequestListener;

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs/hosts.md'), 'utf8');
const [, text = ''] = /^```ts\n(\/\/ host\.ts\n[\s\S]*?)^```/m.exec(page) ?? [];
const folder = mkdtempSync(join(tmpdir(), 'gatebridge-host-'));

writeFileSync(join(folder, 'host.ts'), text);
// The paths of the project lead 'gatebridge' to the sources.
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['host.ts'] }),
);
const { toListener }: { toListener: ToListener } = await import(join(folder, 'host.ts'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const host: AuditHost = {
  name: 'the host in docs/hosts.md',
  capabilities: new Set<AuditCapability>([
    ...([
      'serve',
      'http1',
      'as-received',
      'tls',
      'own-error-page',
      'any-path',
      'asterisk-form',
      'field-case',
      'wrap',
    ] as const),
  ]),
  async serve(application, options = {}) {
    const log = createLog(options);
    const listener = toListener(application, log.gateway);
    const server = options.tls ? createHttpsServer(SHARED_KEY, listener) : createHttpServer(listener);
    return listen(server, { log, isTls: options.tls });
  },
  wrappers: WRAPPERS,
};

describe('the host in docs/hosts.md', () => {
  it('is short', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(60);
  });

  it('imports only gatebridge and node', () => {
    const specifiers = parseSource('host.ts', text).imports.map(({ specifier }) => specifier);
    expect(specifiers).toContain('gatebridge');
    expect(specifiers.filter((specifier) => !/^(gatebridge$|node:)/.test(specifier))).toEqual([]);
  });

  it('is held against most audits', () => {
    const audits = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
    expect(audits.length).toBeGreaterThanOrEqual(190);
  });
});

auditHost(host);
