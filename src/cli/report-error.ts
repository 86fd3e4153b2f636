/** Shows an error of the command to the person who typed it. */
import { paint } from './colours.ts';
import { CommandError } from './exit-codes.ts';
import { userStack } from './user-stack.ts';

/** Writes an error to standard error: message, stack of the user's own files, cure. */
export function reportError(error: unknown): void {
  const { stderr } = process;
  const label = paint('red', 'gatebridge:', stderr);
  if (!(error instanceof CommandError)) {
    stderr.write(`${label} ${userStack(error)}\n`);
    return;
  }
  const lines = [`${label} ${error.message}`];
  if (error.place !== undefined) lines.push(indent(error.place));
  else if (error.cause !== undefined) lines.push(indent(userStack(error.cause)));
  if (error.cure !== undefined) lines.push(`  ${paint('cyan', error.cure, stderr)}`);
  stderr.write(`${lines.join('\n')}\n`);
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
