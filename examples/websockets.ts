/**
 * An Express app with a WebSocket, mounted in Fastify, whose hook asks for a token.
 *
 *     npx tsx examples/websockets.ts
 *     npx wscat --connect 'ws://127.0.0.1:8124/chat?token=secret'
 */
import { createServer } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { fromExpress } from 'gatebridge/express';
import { toFastify, upgrades } from 'gatebridge/fastify';
import { WebSocketServer } from 'ws';
import { printUrl } from './print-url.ts';

const chat = express();
chat.get('/', (_request, response) => {
  response.send('There is a WebSocket here\n');
});
// ws attaches to it, as Socket.IO would. It never listens.
const server = createServer(chat);
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (data) => {
    for (const client of sockets.clients) client.send(String(data));
  });
});

const app = fastify();
app.addHook('onRequest', async (request, reply) => {
  if (!request.url.endsWith('token=secret')) await reply.code(401).send('Who are you?');
});
app.register(toFastify(fromExpress(chat, { server })), { prefix: '/chat' });
// node tells of WebSockets past the routes of Fastify.
app.server.on('upgrade', upgrades(app));

await app.listen({ port: Number(process.env.PORT ?? 8124), host: '127.0.0.1' });
printUrl(app.server);
