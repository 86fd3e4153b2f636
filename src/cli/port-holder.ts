/** Finds the process that listens on a port, from Linux's /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/**
 * Finds the process that listens on a TCP port.
 *
 * @returns undefined where it cannot be known: other systems, and processes of other users
 */
export function findPortHolder(port: number): PortHolder | undefined {
  try {
    const inodes = listeningInodes(port);
    if (inodes.length === 0) return undefined;
    const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holds(name, links));
    return pid === undefined ? undefined : { pid: Number(pid), command: commandOf(pid) };
  } catch {
    return undefined;
  }
}

function listeningInodes(port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    const rows = readFileSync(table, 'utf8').trim().split('\n').slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter((columns) => columns[1]?.endsWith(end) && columns[3] === LISTENING)
      .map((columns) => columns[9] ?? '');
  });
}

function holds(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => links.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // A process of somebody else, or one that has ended.
    return false;
  }
}

function commandOf(pid: string): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  const text = words.join(' ');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
