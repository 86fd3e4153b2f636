/** Clients in a process of their own, for a test that runs them on another machine: see remote-clients.ts. */
import { LoadClients, type Place } from './load-clients.ts';

const [place = '', count = ''] = process.argv.slice(2);
const clients = new LoadClients(JSON.parse(place) as Place, Number(count));

/** Tells the counts, and what was answered since it last did. */
function tell(): void {
  const { served, failures, contents } = clients.outcome;
  process.stdout.write(`${JSON.stringify({ served, failures, contents: [...contents] })}\n`);
  contents.clear();
}

const timer = setInterval(tell, 20);
process.stdin.resume().once('end', () => {
  clearInterval(timer);
  void clients.stop().then(tell);
});
