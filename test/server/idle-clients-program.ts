/** Opens connections, sends one request on each and keeps them open: `idle-clients-program.ts PORT COUNT`. */
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
let opened = 0;
let answered = 0;

function open(): void {
  if (opened === count) return;
  opened += 1;
  const socket = connect(port ?? 0, '127.0.0.1');
  socket.on('error', (error) => {
    throw error;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  socket.once('data', () => {
    answered += 1;
    if (answered === count) process.stdout.write('idle\n');
    open();
  });
}

// As many at once as a backlog easily holds.
for (let lane = 0; lane < 100; lane += 1) open();
