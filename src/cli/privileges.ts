/** Gives up the rights of root. */
import { readFileSync } from 'node:fs';
import { isError } from '../errors.ts';
import { CommandError } from './exit-codes.ts';
import type { Settings } from './settings.ts';

/**
 * Takes on user, group and umask of the settings. Further groups of root are given up; the user's own group is taken where none is named.
 *
 * @throws {@link CommandError} if the process may not, or there is no such user or group
 */
export function dropPrivileges({ user, group, umask }: Pick<Settings, 'user' | 'group' | 'umask'>): void {
  if (umask !== undefined) process.umask(umask);
  if (user === undefined && group === undefined) return;
  const { setgid, setuid, setgroups } = process;
  if (setgid === undefined || setuid === undefined || setgroups === undefined) {
    throw new CommandError('usage', '--user and --group do not exist on this system');
  }
  try {
    const own = user === undefined ? undefined : primaryGroupOf(user);
    const target = group === undefined ? own : idOf(group);
    if (target !== undefined) {
      // node's initgroups is not in its types, and other groups of root must not stay in any case.
      setgroups([target]);
      setgid(target);
    }
    if (user !== undefined) setuid(idOf(user));
  } catch (error) {
    throw new CommandError(
      'usage',
      `Workers cannot run as ${user ?? group}: ${isError(error) ? error.message : error}`,
      {
        cure:
          isError(error) && /does not exist/.test(error.message)
            ? undefined
            : 'Only root may change to another user.',
      },
    );
  }
}

/** A number stays an id. */
function idOf(name: string): string | number {
  return /^\d+$/.test(name) ? Number(name) : name;
}

/** Reads the group of a user, which node does not tell. */
function primaryGroupOf(user: string): number | undefined {
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = entries.find(([name, , id]) => name === user || id === user);
  return entry === undefined ? undefined : Number(entry[3]);
}
