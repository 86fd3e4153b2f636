import { auditHost } from './conformance.ts';
import { fastifyPrefixed } from './hosts.ts';

auditHost(fastifyPrefixed);
