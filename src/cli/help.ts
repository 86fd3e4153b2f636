/** Formats `--help` from the table of the flags. */
import { type FlagRow, GROUPS } from './command-options.ts';
import { FLAGS, flagOf } from './flags.ts';

const HEAD = `Usage: gatebridge app.ts[:export] [flags]
       gatebridge fetch app.ts[:export] /path [flags]

Serves a gateway application, an Express or Fastify app, a fetch handler or a node listener.
`;

const FOOT = `
Environment: PORT, HOST, WEB_CONCURRENCY, FORWARDED_ALLOW_IPS, NO_COLOR; a flag wins, then these.
Signals: TERM, INT stop · HUP reloads · TTIN, TTOU one worker more, less · USR1 reopens logs.
`;

/**
 * Formats the help.
 *
 * @param isWhole With rare flags, and the limits of the server
 */
export function formatHelp(isWhole: boolean): string {
  const rows = Object.entries(FLAGS).filter(([, row]) => isWhole || row.isRare !== true);
  const width = Math.max(...rows.map(([name, row]) => usageOf(name, row).length));
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const own = rows.filter(([, row]) => row.group === group);
    const lines = own.map(([name, row]) => `  ${usageOf(name, row).padEnd(width)}  ${helpOf(row)}`.trimEnd());
    return lines.length === 0 ? '' : [`${title}:`, ...lines].join('\n');
  });
  return `${HEAD}\n${groups.filter(Boolean).join('\n')}\n${FOOT}`;
}

/** Formats the flags of a table for the help of a command of its own. */
export function formatFlags(rows: Readonly<Record<string, FlagRow>>): string {
  const entries = Object.entries(rows);
  const width = Math.max(...entries.map(([name, row]) => usageOf(name, row).length));
  return entries.map(([name, row]) => `  ${usageOf(name, row).padEnd(width)}  ${helpOf(row)}`).join('\n');
}

function usageOf(name: string, row: FlagRow): string {
  const short = row.short === undefined ? '    ' : `-${row.short}, `;
  const isOn = row.type === 'boolean' && row.default === true;
  const flag = isOn ? flagOf(name).replace('--', '--[no-]') : flagOf(name);
  const value = row.value ?? (typeof row.type === 'string' ? undefined : row.type.join('|'));
  return `${short}${flag}${value === undefined || row.type === 'boolean' ? '' : ` ${value}`}`;
}

function helpOf(row: FlagRow): string {
  if (row.help !== '') return row.help;
  const value = row.isUnlimited === true ? 'no limit' : row.default;
  return value === undefined ? '' : `[${value}${row.type === 'milliseconds' ? ' ms' : ''}]`;
}
