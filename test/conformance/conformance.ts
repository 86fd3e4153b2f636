/** Runs each audit that applies to a host as a test, and prints how many do not apply, and why. */
import { afterAll, describe, it } from 'vitest';
import { type AuditHost, gatewayAudits, missingCapabilities } from '../../src/conformance/index.ts';
import { requirePeer } from '../support/peer.ts';

/**
 * Declares the tests of a host.
 *
 * @param exempt Reasons by the audits that such a host cannot pass, beside those that need a capability
 * @param peer A program that the host needs
 */
export function auditHost(
  host: AuditHost,
  exempt: ReadonlyMap<string, string> = new Map(),
  peer?: string,
): void {
  describe(host.name, () => {
    const reasons = new Map<string, number>();
    let applicable = 0;
    for (const audit of gatewayAudits()) {
      const missing = missingCapabilities(audit, host)[0] ?? exempt.get(audit.id);
      if (missing === undefined) {
        applicable += 1;
        it(`${audit.id}: ${audit.sentence}`, (context) => {
          if (peer !== undefined) requirePeer(context, peer);
          return audit.run(host);
        });
      } else {
        reasons.set(missing, (reasons.get(missing) ?? 0) + 1);
      }
    }
    afterAll(() => {
      const counts = [...reasons].map(([capability, count]) => `${count} ${capability}`);
      process.stdout.write(
        `${host.name}: ${applicable} audits apply, not applicable: ${counts.join(', ') || 'none'}\n`,
      );
    });
  });
}
