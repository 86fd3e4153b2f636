/**
 * Runs the hostile clients in their own process, so that they slow down only the server: `on PORT SECURE-PORT SCALE` starts them,
 * `off` ends them and tells the number of connections of each kind.
 */
import { setPriority } from 'node:os';
import { startHostileClients } from './hostile-clients.ts';

// The soak measures the server, not how three processes share few cores.
setPriority(19);

let stop: (() => Promise<Record<string, number>>) | undefined;

process.on('message', (message) => {
  const [command, port, securePort, scale] = String(message).split(' ');
  if (command === 'on') {
    stop = startHostileClients({ port: Number(port), securePort: Number(securePort) }, Number(scale));
    process.send?.('on');
  }
  if (command === 'off') void stop?.().then((lives) => process.send?.(lives));
  if (command === 'stop') process.disconnect();
});
// The parent may have died.
process.on('disconnect', () => process.exit());
process.send?.('ready');
