/** Tells the two meanings of SIGHUP apart: a person asks for a reload, or a terminal was closed. */
import { closeSync, openSync } from 'node:fs';

const hasTerminal: boolean = canOpenTerminal();

/** The terminal that the process was started in was closed. Nobody could stop the server with Ctrl+C any more. */
export function isHangup(): boolean {
  return hasTerminal && !canOpenTerminal();
}

function canOpenTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
