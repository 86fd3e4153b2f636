/** A chat over WebSockets. The package ws attaches to the server, as it does to that of node:http. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

const chat = new WebSocketServer({ noServer: true, maxPayload: 2_000 });

/** A listener for the event `upgrade` of the server. */
export function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // Browsers let every site open a WebSocket to this one, and say which site it is.
  const { origin, host } = request.headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) {
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    return;
  }
  chat.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => client.terminate());
    client.on('close', tellNumber);
    client.on('message', (text) => broadcast({ text: String(text) }));
    tellNumber();
  });
}

function tellNumber(): void {
  broadcast({ clients: chat.clients.size });
}

function broadcast(message: unknown): void {
  for (const client of chat.clients) client.send(JSON.stringify(message));
}

/** Ends all WebSockets: the server leaves them alone when it stops. */
export function endSockets(): void {
  for (const client of chat.clients) client.close(1001);
}
