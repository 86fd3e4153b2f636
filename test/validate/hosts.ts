/**
 * Runs the audits of a host with the validator around each application.
 *
 * The validator only reports, and overwrites the memory of chunks as early as an application may. So an audit that passes
 * shows that the validator changes nothing, and that the host keeps no chunk for too long; what the validator reports
 * shows that the host, and the application, obey the rules, but for the audits whose application breaks one on purpose.
 */
import { afterAll, describe, expect, it } from 'vitest';
import {
  type AuditHost,
  type GatewayAudit,
  gatewayAudits,
  missingCapabilities,
} from '../../src/conformance/index.ts';
import { type RuleId, validate } from '../../src/validate/index.ts';
import { WRONG_AUDITS } from './wrong-audits.ts';

/** Audits that wait for slow readers, or send megabytes. They run alone, and on one host: applications are the same on all. */
const SLOW =
  /^(?:body-120-|body-121-|body-23[127]-(?!.*-\d{1,5}$)|body-231-slow-|write-94-|bridge-217-|bridge-218-|protocol-185-|input-160-)/;

/**
 * Declares the tests of a host.
 *
 * @param host The host
 * @param isThorough Run the slow audits too
 */
export function auditValidated(host: AuditHost, isThorough = false): void {
  describe(host.name, () => {
    const warnings = new Map<RuleId, number>();
    const audits = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
    const [slow, fast] = [
      audits.filter(({ id }) => SLOW.test(id)),
      audits.filter(({ id }) => !SLOW.test(id)),
    ];

    it.concurrent.each(fast.map((audit) => [audit.id, audit] as const))('%s', run);
    if (isThorough) it.each(slow.map((audit) => [audit.id, audit] as const))('%s', run);

    async function run(id: string, audit: GatewayAudit): Promise<void> {
      const broken = new Set<RuleId>();
      const { serve } = host;
      await audit.run({
        ...host,
        serve: async (application, options) =>
          serve?.(
            validate(application, {
              mode: 'report',
              reuseMemory: true,
              onError: ({ rule }) => broken.add(rule),
              onWarning: ({ rule }) => warnings.set(rule, (warnings.get(rule) ?? 0) + 1),
            }),
            options,
          ) ?? Promise.reject(new TypeError('Host does not serve')),
      });
      expect([...broken].sort()).toEqual(WRONG_AUDITS[id] ?? []);
    }

    afterAll(() => {
      const counts = [...warnings].map(([rule, count]) => `${count} ${rule}`);
      process.stdout.write(
        `${host.name}, validated: ${isThorough ? audits.length : fast.length} audits, warnings: ${counts.join(', ') || 'none'}\n`,
      );
    });
  });
}
