/**
 * Makes an environ by copying an earlier one, for requests of one connection that have the same fields.
 *
 * V8 copies an object by its shape, without a look at its keys, if that object is a copy itself (Node 22 to 26). The first
 * copy is slow, so that a template pays only for fields that come again many times. docs/benchmarks.md has the figures.
 */
import type { GatewayRequest } from '../port.ts';
import type { Environ } from '../wsgi.ts';
import { pathOf, queryOf } from './environ.ts';
import { EXTENSION_KEYS } from './extensions.ts';
import { Input } from './input.ts';

/** The parts of a request in which it may differ from an earlier one with the same fields. */
export type RepeatedRequest = Pick<
  GatewayRequest,
  'method' | 'target' | 'protocol' | 'rawHeaders' | 'input' | 'trailers'
>;

/**
 * Makes a template of an environ, before anybody else gets it.
 *
 * @param environ Of a request with an origin-form target and trailers
 * @param hasExtensions The sink of each request supports all keys of {@link EXTENSION_KEYS}, and nobody sees an environ
 *   before they are added: the template reserves their places
 */
export function toTemplate(environ: Environ, hasExtensions: boolean): Environ {
  const template: Record<string, unknown> = { ...environ };
  // An idle connection keeps nothing of a request that is over.
  for (const key of REPLACED) template[key] = undefined;
  if (hasExtensions) for (const key of EXTENSION_KEYS) template[key] = undefined;
  // repeatEnviron sets what is missing.
  return template as unknown as Environ;
}

/**
 * Makes the environ of a request from a template: the same as createReceivedEnviron makes.
 *
 * @param request Its target has origin-form
 */
export function repeatEnviron(template: Environ, request: RepeatedRequest): Environ {
  const environ = { ...template };
  const { target, rawHeaders, trailers } = request;
  const question = target.indexOf('?');
  environ.REQUEST_METHOD = request.method;
  environ.PATH_INFO = pathOf(target, question);
  environ.QUERY_STRING = queryOf(target, question);
  environ.SERVER_PROTOCOL = request.protocol;
  environ.REQUEST_URI = target;
  environ.RAW_URI = target;
  environ['wsgi.input'] = new Input(request.input);
  environ['gateway.raw_headers'] = rawHeaders;
  if (trailers !== undefined) environ['gateway.trailers'] = trailers;
  return environ;
}

const REPLACED = [
  'REQUEST_METHOD',
  'PATH_INFO',
  'QUERY_STRING',
  'SERVER_PROTOCOL',
  'REQUEST_URI',
  'RAW_URI',
  'wsgi.input',
  'gateway.raw_headers',
  'gateway.trailers',
] as const;
