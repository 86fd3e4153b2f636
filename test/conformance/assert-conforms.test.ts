import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AuditHost, assertConforms, ConformanceError } from '../../src/conformance/index.ts';
import { cgi } from './hosts.ts';

/** A host whose applications cannot be served. */
const broken: AuditHost = {
  name: 'broken',
  capabilities: new Set(['serve']),
  serve: () => Promise.reject(new Error('no socket\nat all')),
};

async function failureOf(host: AuditHost): Promise<ConformanceError> {
  const error: unknown = await assertConforms(host).catch((error: unknown) => error);
  if (error instanceof ConformanceError) return error;
  throw new Error(`Not a ConformanceError: ${String(error)}`);
}

describe('assertConforms', () => {
  it('passes a host that conforms', () => assertConforms(cgi), 120_000);

  it('lists all that failed in one error: id, level, sentence, citation, reason', async () => {
    const { message, failures } = await failureOf(broken);
    expect(failures.length).toBeGreaterThan(200);
    expect(message).toMatch(/^broken fails (\d+) of \1 audits, \d+ of them with "no socket":\n\nenviron-23-/);
    for (const { audit } of failures) {
      expect(message).toContain(`\n${audit.id}\n  ${audit.sentence}\n  source: ${audit.citation}\n  `);
    }
    expect(message).toContain('\n  no socket\n  at all');
  });

  it('fails a host to which no audit applies', async () => {
    const { message, failures } = await failureOf({ name: 'empty', capabilities: new Set() });
    expect(failures).toEqual([]);
    expect(message).toMatch(/^No audit applies to empty/);
  });

  it('fails and passes a test of node:test', () => {
    const program = join(import.meta.dirname, 'node-test-program.ts');
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const run = spawnSync(process.execPath, ['--import', 'tsx', '--test-reporter=tap', program], {
      encoding: 'utf8',
      env,
    });
    expect(run.stdout).toMatch(/^ok 1 - a host that conforms$/m);
    expect(run.stdout).toMatch(/^not ok 2 - a host that does not$/m);
    expect(run.stdout).toContain('environ-23-path-variables');
    expect(run.status).toBe(1);
  }, 120_000);
});
