/** The audits of runCgi, with the validator around each application. What it finds would fail the audit. */
import { describe, it } from 'vitest';
import { type AuditHost, gatewayAudits, missingCapabilities } from '../../src/conformance/index.ts';
import { cgiHost } from '../conformance/hosts.ts';

const validated: AuditHost = cgiHost(true);

const audits = gatewayAudits().filter((audit) => missingCapabilities(audit, validated).length === 0);

describe('runCgi, validated', () => {
  it.concurrent.each(audits.map((audit) => [audit.id, audit] as const))('%s', (_id, audit) =>
    audit.run(validated),
  );
});
