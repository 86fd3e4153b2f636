/** Loaded before a program of the pages: servers take any free port, and the test is told which. */
import { Server } from 'node:net';

const { listen } = Server.prototype;

Server.prototype.listen = function (first, ...rest) {
  this.once('listening', () => process.send?.({ address: this.address() }));
  if (typeof first === 'number') return listen.call(this, 0, ...rest);
  return listen.call(this, first?.port === undefined ? first : { ...first, port: 0 }, ...rest);
};
