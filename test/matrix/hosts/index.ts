/** The hosts, in the order of the rows. */
import type { Host } from '../matrix.ts';
import { cgi } from './cgi.ts';
import { fastCgiBehindNginx, fastCgiCircle } from './fastcgi.ts';
import { lambda, streamingLambda } from './lambda.ts';
import {
  fetchHandler,
  hijackingFastify,
  mountedInExpress,
  mountedInFastify,
  nodeHttp,
  nodeHttp2,
  nodeHttps,
  standalone,
  standaloneHttp2,
  standaloneTls,
} from './sockets.ts';
import { testClient } from './test-client.ts';

/** The hosts. */
export const HOSTS: readonly Host[] = [
  standalone,
  standaloneHttp2,
  standaloneTls,
  nodeHttp,
  nodeHttps,
  nodeHttp2,
  mountedInExpress,
  mountedInFastify,
  hijackingFastify,
  fetchHandler,
  lambda,
  streamingLambda,
  cgi,
  fastCgiCircle,
  fastCgiBehindNginx,
  testClient,
];
