/** Runs all audits that apply to a host, for a test of any test runner. */
import { isError } from '../errors.ts';
import { type AuditHost, type GatewayAudit, missingCapabilities } from './audit.ts';
import { gatewayAudits } from './gateway-audits.ts';

/** An audit that a host has failed, and why. */
export interface AuditFailure {
  readonly audit: GatewayAudit;
  readonly reason: unknown;
}

/** Thrown by {@link assertConforms}. Its message lists what failed. */
export class ConformanceError extends Error {
  override readonly name: string = 'ConformanceError';
  readonly failures: readonly AuditFailure[];

  constructor(message: string, failures: readonly AuditFailure[]) {
    super(message);
    this.failures = failures;
  }
}

/**
 * Runs every audit that applies to a host, one after the other, and then tells all that failed.
 *
 * It needs no test runner: call it in a test of node:test, vitest or Jest, with a time-out of some minutes.
 *
 * @param host The host
 * @throws {@link ConformanceError} that lists id, level, sentence, citation and reason of each failed audit, or that says
 *   that no audit applies
 * @example
 * test('my host conforms', { timeout: 300_000 }, () => assertConforms(myHost));
 */
export async function assertConforms(host: AuditHost): Promise<void> {
  const audits = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
  if (audits.length === 0) {
    throw new ConformanceError(
      `No audit applies to ${host.name}: it lacks the capabilities serve and cgi`,
      [],
    );
  }
  const failures: AuditFailure[] = [];
  for (const audit of audits) {
    try {
      await audit.run(host);
    } catch (reason) {
      failures.push({ audit, reason });
    }
  }
  if (failures.length === 0) return;
  const title = `${host.name} fails ${failures.length} of ${audits.length} audits${commonReason(failures)}:`;
  throw new ConformanceError([title, ...failures.map(formatFailure)].join('\n\n'), failures);
}

/** Tells at once why most audits fail, if it is one reason: the host cannot even serve. */
function commonReason(failures: readonly AuditFailure[]): string {
  const messages = failures.map(({ reason }) => messageOf(reason));
  const [common = ''] = messages;
  const count = messages.filter((message) => message === common).length;
  return count > 1 && count > failures.length / 2
    ? `, ${count} of them with "${common.split('\n', 1)[0]}"`
    : '';
}

/** Formats a failure. The sentence of an audit begins with its level. */
function formatFailure({ audit, reason }: AuditFailure): string {
  return [
    audit.id,
    `  ${audit.sentence}`,
    `  source: ${audit.citation}`,
    `  ${messageOf(reason).replaceAll('\n', '\n  ')}`,
  ].join('\n');
}

function messageOf(reason: unknown): string {
  return (isError(reason) ? reason.message : String(reason)).trimEnd();
}
