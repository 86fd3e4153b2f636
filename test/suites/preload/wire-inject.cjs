/**
 * Makes `fastify.inject()` a real request over a socket, to a server from the current `http.createServer`. Most of
 * Fastify's tests only inject; this way they test a server too.
 *
 * Requests that a client cannot express are still simulated, such as streams, chains and explicit framing.
 */
const http = require('node:http');
const Module = require('node:module');
const { Readable } = require('node:stream');

/** Options that only the simulation has. */
const SIMULATED = [
  'simulate',
  'Request',
  'remoteAddress',
  'authority',
  'payloadAsStream',
  'signal',
  'server',
  'validate',
];
/** Fields by which a test controls the framing or the connection itself. */
const FRAMING = ['content-length', 'transfer-encoding', 'upgrade', 'expect', 'connection'];

const load = Module._load;
const wrapped = new Map();

Module._load = function (...values) {
  const exported = Reflect.apply(load, this, values);
  const [request, parent] = values;
  if (request !== 'light-my-request' || !/[\\/]fastify\.js$/.test(parent?.filename ?? '')) return exported;
  if (!wrapped.has(exported)) wrapped.set(exported, makeInject(exported));
  return wrapped.get(exported);
};

function makeInject(simulate) {
  function inject(...values) {
    const [handler, options, callback] = values;
    const plan = options === undefined || typeof options === 'function' ? undefined : planRequest(options);
    if (plan === undefined) return simulate(...values);
    const result = send(handler, plan);
    if (typeof callback !== 'function') return result;
    result.then(
      (response) => process.nextTick(callback, null, response),
      (error) => process.nextTick(callback, error),
    );
    return undefined;
  }
  return Object.assign(inject, simulate, { inject, default: inject });
}

/** Plans the request of a real client; undefined if it cannot send it. */
function planRequest(given) {
  const options = typeof given === 'string' ? { url: given } : given;
  const url = options.url ?? options.path;
  const method = (options.method ?? 'GET').toUpperCase();
  if (SIMULATED.some((name) => options[name] !== undefined) || typeof url !== 'string') return undefined;
  if (!/^(?:\/|https?:\/\/)[\x21-\x7e]*$/.test(url)) return undefined;
  if (!http.METHODS.includes(method) || method === 'CONNECT') return undefined;
  const headers = planHeaders(options);
  if (headers === undefined || FRAMING.some((name) => headers[name] !== undefined)) return undefined;
  let body = options.payload ?? options.body;
  if (isStream(body)) return undefined;
  if (body && typeof body !== 'string' && !Buffer.isBuffer(body)) {
    body = JSON.stringify(body);
    headers['content-type'] ??= 'application/json';
  }
  if (body) headers['content-length'] = String(Buffer.byteLength(body));
  headers['user-agent'] ??= 'lightMyRequest';
  headers.host ??= /^https?:\/\/([^/?#]+)/.exec(url)?.[1] ?? 'localhost:80';
  return { method, path: withQuery(url, options.query), headers, body: body || undefined };
}

function planHeaders({ headers: given = {}, cookies }) {
  const headers = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) return undefined;
    headers[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value);
  }
  if (cookies) {
    const jar = Object.entries(cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    headers.cookie = [headers.cookie, ...jar].filter(Boolean).join('; ');
  }
  return headers;
}

function isStream(body) {
  if (!body) return false;
  return (
    typeof body.pipe === 'function' ||
    typeof body[Symbol.asyncIterator] === 'function' ||
    body[Symbol.toStringTag] === 'FormData'
  );
}

function withQuery(url, query) {
  let target = url.replace(/^https?:\/\/[^/?#]*/, '');
  if (target[0] !== '/') target = `/${target}`;
  const search = typeof query === 'object' ? formatQuery(query) : query;
  if (!search) return target;
  return `${target}${target.includes('?') ? '&' : '?'}${search}`;
}

function formatQuery(query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) search.append(name, String(one));
  }
  return search.toString();
}

function send(handler, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    let raw;
    let request;
    const server = http.createServer((req, res) => {
      raw = { req, res };
      // Fastify reports a failed boot like this.
      res.on('error', (error) => finish(reject, error));
      handler(req, res);
    });
    const finish = (settle, value) => {
      request.destroy();
      server.close(() => {});
      settle(value);
    };
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      request = http.request({
        host: '127.0.0.1',
        port,
        method,
        path,
        headers,
        agent: false,
        setHost: false,
      });
      // The simulation sends no Connection either.
      request.removeHeader('connection');
      request.on('error', (error) => finish(reject, error));
      request.on('response', (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', (error) => finish(reject, cutOff(error)));
        response.on('end', () => finish(resolve, describe(response, Buffer.concat(chunks), raw)));
      });
      request.end(body);
    });
    server.unref();
  });
}

/** Gives an error the words and the code of the simulation. */
function cutOff(error) {
  return Object.assign(error, {
    message: 'response destroyed before completion',
    code: 'LIGHT_ECONNRESET',
  });
}

function describe(response, rawPayload, raw) {
  const { statusCode, statusMessage, trailers } = response;
  const headers = { ...response.headers };
  // The simulation has no keep-alive time-out to announce.
  delete headers['keep-alive'];
  const payload = rawPayload.toString();
  return {
    raw,
    headers,
    statusCode,
    statusMessage,
    trailers,
    rawPayload,
    payload,
    body: payload,
    json: () => JSON.parse(payload),
    stream: () => Readable.from([rawPayload]),
    cookies: (headers['set-cookie'] ?? []).map(parseCookie),
  };
}

function parseCookie(line) {
  const [pair, ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes };
}
