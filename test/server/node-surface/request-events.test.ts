import { once } from 'node:events';
import {
  createServer as createHttpServer,
  IncomingMessage,
  type RequestListener,
  ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import express from 'express';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { echo, hello, type RunningServer, startServer } from '../support.ts';

let running: RunningServer;
afterEach(() => running.stop());

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const upgrade = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';

/** Gets the application in the form of the listener that the server has from the start. */
function originalListener(): RequestListener {
  // Listeners are typed as functions of anything; this one is the server's own.
  return running.server.listeners('request')[0] as RequestListener;
}

describe('the request event', () => {
  it('has the application as its only listener from the start', async () => {
    running = await startServer(hello);
    expect(running.server.listenerCount('request')).toBe(1);
  });

  it("gives other listeners node's messages, beside the application", async () => {
    running = await startServer(hello);
    const seen: unknown[] = [];
    running.server.on('request', (request, response) => {
      seen.push(request instanceof IncomingMessage, response instanceof ServerResponse, request.url);
    });
    const client = running.connect();
    client.send(get);
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    expect(seen).toEqual([true, true, '/']);
  });

  it('lets other listeners answer instead, or call the application', async () => {
    running = await startServer(hello);
    const original = originalListener();
    running.server.removeAllListeners('request');
    running.server.on('request', (request, response) => {
      response.setHeader('X-Seen', 'yes');
      response.setHeader('Content-Type', 'overridden/anyway');
      if (request.url === '/mine') response.end('mine');
      else original(request, response);
    });
    const client = running.connect();
    client.send(get.replace('/', '/mine') + get);
    expect((await client.readResponse()).content.toString()).toBe('mine');
    const handedOver = await client.readResponse();
    expect(handedOver.content.toString()).toBe('Hello');
    expect(handedOver.headers.slice(0, 2)).toEqual([
      ['X-Seen', 'yes'],
      ['Content-Type', 'text/plain'],
    ]);
  });

  it('closes the connection if another listener says so, before the application answers', async () => {
    running = await startServer(hello);
    running.server.prependListener('request', (_request, response) => {
      response.setHeader('Connection', 'close');
      response.setHeader('X-Seen', 'yes');
    });
    const client = running.connect();
    client.send(get);
    const { headers, content } = await client.readResponse();
    expect(content.toString()).toBe('Hello');
    expect(headers).toContainEqual(['Connection', 'close']);
    expect(headers).toContainEqual(['X-Seen', 'yes']);
    expect(await client.farewell()).toBe('end');
  });

  it('lets a listener call the application later, with unread content', async () => {
    running = await startServer(echo);
    const original = originalListener();
    running.server.removeAllListeners('request');
    running.server.on('request', (request, response) => {
      setTimeout(() => original(request, response), 20);
    });
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
    expect((await client.readResponse()).content.toString()).toBe('abc');
  });

  it('throws if the application is called too late or with messages of another server', async () => {
    running = await startServer(hello);
    const original = originalListener();
    const failures: unknown[] = [];
    running.server.removeAllListeners('request');
    running.server.on('request', (request, response) => {
      response.write('begun');
      for (const given of [request, new IncomingMessage(request.socket)]) {
        try {
          original(given, response);
        } catch (error) {
          failures.push(error);
        }
      }
      response.end();
    });
    const client = running.connect();
    client.send(get);
    await client.readResponse();
    expect(failures).toMatchObject([{ code: 'ERR_HTTP_HEADERS_SENT' }, { name: 'TypeError' }]);
  });

  it('answers 500 without any listener, with the reason in the log', async () => {
    running = await startServer(hello);
    running.server.removeAllListeners('request');
    const client = running.connect();
    client.send(get);
    expect((await client.readResponse()).statusCode).toBe(500);
    expect(running.log.join('')).toContain('application was removed');
  });
});

describe('an application made by fromNode', () => {
  it('shares the messages with the listeners beside it', async () => {
    const seen: unknown[] = [];
    running = await startServer(fromNode((request, response) => seen.push(request, response)));
    running.server.on('request', (request, response) => {
      seen.push(request, response);
      response.end('beside it');
    });
    const client = running.connect();
    client.send(get);
    expect((await client.readResponse()).content.toString()).toBe('beside it');
    expect(seen).toHaveLength(4);
    expect(seen[0]).toBe(seen[2]);
    expect(seen[1]).toBe(seen[3]);
  });

  it('accepts the messages of another server, as Connect passes them to a mounted server', async () => {
    const app = express().get('/', (_request, response) => {
      response.send('mounted');
    });
    running = await startServer(fromExpress(app));
    const host = createHttpServer(originalListener()).listen(0, '127.0.0.1');
    await once(host, 'listening');
    const { port } = host.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mounted');
    host.close();
  });

  it('fails only its own request when it rejects beside other listeners', async () => {
    const errors: unknown[] = [];
    running = await startServer(
      fromNode(async () => {
        throw new Error('Rejected');
      }),
      {
        environ: {
          'wsgi.errors': { write: (text: string) => errors.push(text), writelines() {}, flush() {} },
        },
      },
    );
    running.server.on('request', () => {});
    const client = running.connect();
    client.send(get);
    expect((await client.readResponse()).statusCode).toBe(500);
    expect(errors.join('')).toContain('Rejected');
  });
});

describe('the upgrade event', () => {
  it('passes the socket and the octets after the head, after earlier responses', async () => {
    running = await startServer(hello);
    running.server.on('upgrade', (request: IncomingMessage, socket: Socket, rest: Buffer) => {
      expect(request.headers.upgrade).toBe('chat');
      expect(request.socket).toBe(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      socket.write(`got ${rest} `);
      socket.on('data', (octets) => socket.end(`and ${octets}`));
    });
    const client = running.connect();
    client.send(`${get}${upgrade}first`);
    expect((await client.readResponse()).content.toString()).toBe('Hello');
    expect((await client.readHead()).statusCode).toBe(101);
    expect((await client.readOctets(10)).toString()).toBe('got first ');
    client.send('second');
    expect((await client.readRest()).toString()).toBe('and second');
  });

  it('notices the end of a client whose socket is not read', async () => {
    running = await startServer(hello);
    const closed: Promise<unknown>[] = [];
    running.server.on('upgrade', (_request, socket: Socket) => {
      closed.push(once(socket, 'close'));
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    const client = running.connect();
    client.send(upgrade);
    expect((await client.readResponse()).statusCode).toBe(400);
    client.halfClose();
    await closed[0];
  });

  it('keeps octets until the socket is read', async () => {
    running = await startServer(hello);
    running.server.on('upgrade', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      setTimeout(() => {
        socket.on('data', (octets) => {
          if (octets.toString().endsWith('!')) socket.end('heard');
        });
      }, 20);
    });
    const client = running.connect();
    client.send(upgrade);
    client.send(`${'x'.repeat(300_000)}!`);
    expect((await client.readRest()).toString()).toMatch(/heard$/);
  });

  it('is an ordinary request without a listener', async () => {
    running = await startServer(hello);
    const client = running.connect();
    client.send(upgrade + get);
    expect((await client.readResponse()).statusCode).toBe(200);
    expect((await client.readResponse()).statusCode).toBe(200);
  });

  it('leaves the socket to its new owner on closeAllConnections()', async () => {
    running = await startServer(hello);
    let taken: Socket | undefined;
    running.server.on('upgrade', (_request, socket: Socket) => {
      taken = socket;
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const client = running.connect();
    client.send(upgrade);
    await client.readHead();
    running.server.closeAllConnections();
    expect(taken?.destroyed).toBe(false);
    taken?.destroy();
  });
});

describe('the connect event', () => {
  it('passes the socket; without a listener CONNECT is refused', async () => {
    running = await startServer(hello);
    const refused = running.connect();
    refused.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
    expect((await refused.readResponse()).statusCode).toBe(501);
    running.server.on('connect', (request: IncomingMessage, socket: Socket) => {
      socket.end(`HTTP/1.1 200 OK\r\n\r\n${request.url}`);
    });
    const client = running.connect();
    client.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
    expect((await client.readRest()).toString()).toBe('HTTP/1.1 200 OK\r\n\r\na:1');
  });
});

describe('an expectation', () => {
  const post = (expectation: string): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nExpect: ${expectation}\r\nContent-Length: 3\r\n\r\n`;

  it('of 100-continue goes to checkContinue', async () => {
    running = await startServer(hello);
    running.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      request.on('data', (octets) => response.end(`got ${octets}`));
    });
    const client = running.connect();
    client.send(post('100-continue'));
    expect((await client.readHead()).statusCode).toBe(100);
    client.send('abc');
    expect((await client.readResponse()).content.toString()).toBe('got abc');
  });

  it('of anything else goes to checkExpectation', async () => {
    running = await startServer(hello);
    running.server.on('checkExpectation', (_request, response: ServerResponse) => {
      response.writeHead(200).end('tea');
    });
    const client = running.connect();
    client.send(`${post('tea')}abc`);
    expect((await client.readResponse()).content.toString()).toBe('tea');
  });
});

describe('WebSockets beside an Express app', () => {
  async function start(): Promise<string> {
    const app = express();
    app.get('/', (_request, response) => {
      response.send('Express');
    });
    running = await startServer(fromExpress(app));
    return `127.0.0.1:${(running.server.address() as AddressInfo).port}`;
  }

  it('work with ws', async () => {
    const host = await start();
    const sockets = new WebSocketServer({ server: running.server });
    sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(`echo ${text}`)));
    const client = new WebSocket(`ws://${host}/`);
    await once(client, 'open');
    client.send('hello');
    const [message] = await once(client, 'message');
    expect(String(message)).toBe('echo hello');
    expect(await (await fetch(`http://${host}/`)).text()).toBe('Express');
    client.close();
    await once(client, 'close');
    sockets.close();
  });

  it.each(['polling', 'websocket'])('work with socket.io over %s', async (transport) => {
    const host = await start();
    const sockets = new SocketServer(running.server);
    sockets.on('connection', (socket) => socket.on('question', (text, answer) => answer(`echo ${text}`)));
    const client = io(`http://${host}`, { transports: [transport] });
    const answer = await client.timeout(5000).emitWithAck('question', 'hello');
    expect(answer).toBe('echo hello');
    expect(await (await fetch(`http://${host}/`)).text()).toBe('Express');
    client.disconnect();
    await vi.waitFor(() => expect(sockets.engine.clientsCount).toBe(0));
    await sockets.close();
  });
});
