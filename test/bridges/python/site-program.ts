/** A server in a process of its own, for tests that kill it or measure it: serves the probe and prints its URL. */
import { fromPython } from '../../../bridges/python/index.ts';
import { serve } from '../../../src/server/index.ts';
import { APPS, PYTHON } from './places.ts';

const application = fromPython({ application: 'probe:app', folder: APPS, python: PYTHON, workers: 1 });
const server = await serve(application, { port: 0 });
console.log(server.url);
