import { auditHost } from './conformance.ts';
import { fastifyHijacked, fastifyPrefixed } from './hosts.ts';

auditHost(fastifyPrefixed);
auditHost(fastifyHijacked);
