/** Each audit can fail: a host with a fault of its kind does not pass it. */
import { describe, expect, it } from 'vitest';
import { type AuditHost, type GatewayAudit, gatewayAudits } from '../../src/conformance/index.ts';
import { WRONG_HOSTS } from './wrong-hosts/index.ts';

const AUDITS: ReadonlyMap<string, GatewayAudit> = new Map(gatewayAudits().map((audit) => [audit.id, audit]));

/** Audits that run at once: many wait for what never comes. */
const AT_ONCE = 16;

/** Runs an audit. Gives what it throws. */
async function judge(host: AuditHost, id: string): Promise<unknown> {
  try {
    await AUDITS.get(id)?.run(host);
    return 'passed';
  } catch (error) {
    return error;
  }
}

/** Runs each audit that must notice a fault, some at once, and keeps how each has ended. */
function startAll(): (fault: string, id: string) => Promise<unknown> {
  const outcomes = new Map<string, Promise<unknown>>();
  const lanes = Array.from({ length: AT_ONCE }, () => Promise.resolve<unknown>(undefined));
  for (const [fault, { host, noticedBy }] of Object.entries(WRONG_HOSTS)) {
    for (const id of noticedBy) {
      const lane = outcomes.size % AT_ONCE;
      const outcome = (lanes[lane] ?? Promise.resolve()).then(() => judge(host, id));
      lanes[lane] = outcome;
      outcomes.set(`${fault} ${id}`, outcome);
    }
  }
  return (fault, id) => outcomes.get(`${fault} ${id}`) ?? Promise.resolve();
}

const outcomeOf = startAll();

describe.each(Object.entries(WRONG_HOSTS))('a host with %s', (fault, { host, noticedBy }) => {
  it.each(noticedBy)(
    'fails %s',
    async (id) => {
      const outcome = await outcomeOf(fault, id);
      // On a busy machine what comes too early may come late enough.
      const judged = outcome === 'passed' ? await judge(host, id) : outcome;
      // It has judged, and has not broken down itself.
      expect(judged).toMatchObject({ code: 'ERR_ASSERTION' });
    },
    60_000,
  );
});

it('each audit is failed by one of them', () => {
  const failed = new Set(Object.values(WRONG_HOSTS).flatMap(({ noticedBy }) => noticedBy));
  expect([...AUDITS.keys()].filter((id) => !failed.has(id))).toEqual([]);
  expect([...failed].filter((id) => !AUDITS.has(id))).toEqual([]);
});
