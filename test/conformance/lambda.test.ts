import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gatewayAudits } from '../../src/conformance/index.ts';
import { auditHost } from './conformance.ts';
import {
  NOT_BEHIND_BALANCER,
  NOT_ON_REST,
  NOT_WHEN_COMPLETE,
  NOT_WHEN_STREAMING,
} from './lambda-exemptions.ts';
import { lambdaBalancer, lambdaStreaming, lambdaVersion1, lambdaVersion2 } from './lambda-host.ts';

auditHost(lambdaVersion2, NOT_WHEN_COMPLETE);
auditHost(lambdaStreaming, NOT_WHEN_STREAMING);
// They differ in the shape alone, which test/bridges/lambda has.
if (process.env.TOUR !== undefined) {
  auditHost(lambdaVersion1, NOT_ON_REST);
  auditHost(lambdaBalancer, NOT_BEHIND_BALANCER);
}

it('docs/lambda.md names each audit that does not apply, and why', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/lambda.md'), 'utf8');
  const ids = gatewayAudits().map(({ id }) => id);
  for (const [id, reason] of NOT_ON_REST) {
    expect(ids).toContain(id);
    const row = page.split('\n').find((line) => line.startsWith(`| ${reason} |`));
    expect(row).toContain(`\`${id}\``);
  }
});
