/**
 * An unchanged Express app on the standalone server.
 *
 *     npx tsx examples/serve-express.ts
 *     curl -i --json '{"name":"Ada"}' http://127.0.0.1:8124/greet
 */
import express from 'express';
import { fromExpress } from 'gatebridge/express';
import { serve } from 'gatebridge/server';

const app = express();
app.use(express.json());
app.get('/', (request, response) => {
  response.cookie('seen', 'yes').send(`Express answers ${request.method} ${request.originalUrl}\n`);
});
app.post('/greet', (request, response) => {
  response.status(201).json({ greeting: `Hello, ${request.body.name}` });
});

const server = await serve(fromExpress(app), { port: process.env.PORT });
console.log(server.url);
