/**
 * Runs audits in the runtime that executes this file, each on a host of this runtime, and prints a line of JSON for each.
 *
 *     bun test/engines/audit-program.ts toFetch [part of an id …] [-id …]
 *
 * Audits after a hyphen are left out.
 */
import {
  type AuditHost,
  type GatewayAudit,
  gatewayAudits,
  missingCapabilities,
} from '../../src/conformance/index.ts';
import { HOSTS } from './hosts.ts';
import { judge } from './judge.ts';

/** Audits that run at once: most wait for sockets. */
const AT_ONCE = 8;

const [name = 'toFetch', ...words] = process.argv.slice(2);
const parts = words.filter((word) => !word.startsWith('-'));
const leftOut = new Set(words.filter((word) => word.startsWith('-')).map((word) => word.slice(1)));
const host = HOSTS[name];
if (host === undefined) throw new Error(`No host ${name}, but ${Object.keys(HOSTS).join(', ')}`);

// What a runtime reports besides belongs to an audit that fails.
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});

const waiting = gatewayAudits()
  .filter(({ id }) => parts.length === 0 || parts.some((part) => id.includes(part)))
  .filter(({ id }) => !leftOut.has(id))
  .filter((audit) => missingCapabilities(audit, host).length === 0);

const failed: GatewayAudit[] = [];

async function work(on: AuditHost): Promise<void> {
  for (let audit = waiting.shift(); audit !== undefined; audit = waiting.shift()) {
    if ((await judge(audit, on)) === undefined) console.log(JSON.stringify({ id: audit.id }));
    else failed.push(audit);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, () => work(host)));
// On a busy machine an audit may fail that passes with nothing beside it.
for (const audit of failed) console.log(JSON.stringify({ id: audit.id, failure: await judge(audit, host) }));
process.exit(0);
