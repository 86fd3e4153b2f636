/**
 * Runs the soak: `npm run soak -- 10` for ten minutes; one minute without a number. It uses the loopback interface
 * only, and exits with 1 if a rule was violated.
 */
import { runSoak } from './soak.ts';
import { formatResult, judgeCosts, judgeHoldings } from './verdict.ts';

const minutes = Number(process.argv[2] ?? 1);
if (!(minutes > 0 && minutes <= 120))
  throw new RangeError(`Minutes must be up to 120, not ${process.argv[2]}`);

const result = await runSoak({
  duration: minutes * 60_000,
  rounds: Math.max(1, Math.round(minutes / 2)),
  onPhase: (name) => console.error(`${new Date().toISOString()} ${name}`),
});
const violations = [...judgeHoldings(result), ...judgeCosts(result)];
console.log(`Node ${process.version}, ${minutes} minutes\n\n${formatResult(result)}\n`);
for (const violation of violations) console.log(`VIOLATED: ${violation}`);
if (violations.length === 0) console.log('Nothing was violated.');
process.exitCode = violations.length === 0 ? 0 : 1;
