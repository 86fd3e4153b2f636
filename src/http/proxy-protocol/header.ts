/** The header of the PROXY protocol, as it is read. */
import type { ProxyTls, TypeLengthValue } from './type-length-value.ts';

/** One end of a connection. */
export interface ProxyEndpoint {
  /** As node writes addresses; the path of a unix socket. */
  readonly address: string;
  /** Undefined for a unix socket. */
  readonly port: number | undefined;
}

/** A header that was read. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `LOCAL`: the proxy has connected for itself, to see if the server is up. */
  readonly command: 'PROXY' | 'LOCAL';
  /** Undefined if the header tells no addresses. */
  readonly family: 'IPv4' | 'IPv6' | 'unix' | undefined;
  /** The client. */
  readonly source: ProxyEndpoint | undefined;
  /** The address that the client connected to. */
  readonly destination: ProxyEndpoint | undefined;
  /** The host name that the client asked for, such as that of SNI (PP2_TYPE_AUTHORITY). */
  readonly authority: string | undefined;
  /** The client's TLS, which has ended at the proxy (PP2_TYPE_SSL). */
  readonly tls: ProxyTls | undefined;
  /** All additions of version 2, in order. */
  readonly tlvs: readonly TypeLengthValue[];
}

/** A header at the start of some octets. */
export interface ReadProxyHeader {
  readonly header: ProxyHeader;
  /** Its octets. */
  readonly length: number;
}
