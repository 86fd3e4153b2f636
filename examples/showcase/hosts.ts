/** Four hosts with every program mounted in each. The standalone server runs them all, so that they share one address. */
import express from 'express';
import fastify from 'fastify';
import type { Application } from 'gatebridge';
import { fromExpress, toExpress } from 'gatebridge/express';
import { fromFastify, toFastify } from 'gatebridge/fastify';
import { dispatch } from 'gatebridge/middleware';
import { fromNode, toNode } from 'gatebridge/node';
import { programs } from './programs.ts';

const byPath = Object.fromEntries(Object.entries(programs).map(([name, program]) => [`/${name}`, program]));

const expressHost = express();
const fastifyHost = fastify();
for (const [path, program] of Object.entries(byPath)) {
  expressHost.use(path, toExpress(program));
  fastifyHost.register(toFastify(program), { prefix: path });
}

/** `/express/class/…` is the class in Express. */
export const hosts: Application = dispatch({
  '/server': dispatch(byPath),
  '/node': fromNode(toNode(dispatch(byPath))),
  '/express': fromExpress(expressHost),
  '/fastify': fromFastify(fastifyHost),
});
