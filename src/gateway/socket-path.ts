/**
 * Tells what is wrong with the path of a unix socket, for all who listen at one. Node's own errors do not tell: Node 20 cuts a long path
 * off, and a missing folder is EACCES. The caller brings the file system, which this room does not know.
 */
import type { existsSync, lstatSync } from 'node:fs';

/** A fault of a path, for people. */
export interface SocketPathFault {
  readonly fault: string;
  readonly cure: string;
}

/** The file system, as far as the look at a path needs it. */
export interface SocketPathFiles {
  readonly existsSync: typeof existsSync;
  readonly lstatSync: typeof lstatSync;
  /** `process.platform`. */
  readonly platform: string;
}

/** Tells why nobody can listen at a path; undefined if a socket may be made there, or one is there. */
export function socketPathFault(path: string, files: SocketPathFiles): SocketPathFault | undefined {
  // An abstract socket of Linux is no file.
  if (path.startsWith('\0')) return undefined;
  // Octets without the final NUL: sun_path of Linux has 108, of macOS and BSD 104.
  const most = files.platform === 'linux' ? 107 : 103;
  const { length } = new TextEncoder().encode(path);
  if (length > most) {
    const fault = `The path of a unix socket may have ${most} octets: ${path} has ${length}`;
    return { fault, cure: 'Choose a shorter path, or one relative to the current folder.' };
  }
  const folder = /^(.*)\/[^/]+\/*$/.exec(path)?.[1] ?? '.';
  if (folder !== '' && !files.existsSync(folder)) {
    return {
      fault: `Cannot listen on unix:${path}: folder ${folder} does not exist`,
      cure: `mkdir -p ${folder}, or RuntimeDirectory= in a unit of systemd.`,
    };
  }
  const isOther = files.lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false;
  return isOther ? { fault: `${path} exists and is no socket`, cure: 'Choose another path.' } : undefined;
}
