/**
 * The hostile clients of the soak, in a process of their own, so that they slow down nobody but the server:
 * `on PORT SCALE` starts them, `off` ends them and says how many connections each kind has made.
 */
import { setPriority } from 'node:os';
import { startHostileClients } from './hostile-clients.ts';

// What is to be measured is the server, not how a machine of few cores shares them among three processes.
setPriority(19);

let stop: (() => Promise<Record<string, number>>) | undefined;

process.on('message', (message) => {
  const [command, port, scale] = String(message).split(' ');
  if (command === 'on') {
    stop = startHostileClients(Number(port), Number(scale));
    process.send?.('on');
  }
  if (command === 'off') void stop?.().then((lives) => process.send?.(lives));
  if (command === 'stop') process.disconnect();
});
// Whoever started it may have ended without a word.
process.on('disconnect', () => process.exit());
process.send?.('ready');
