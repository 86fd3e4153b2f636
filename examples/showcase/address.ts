/** Where the showcase listens: PORT and HOST, and what to do if that does not work. */

export interface Address {
  readonly port: number;
  readonly host: string;
}

const DEFAULT: Address = { port: 8124, host: '127.0.0.1' };

/** Reads PORT and HOST. An empty variable counts as none. */
export function readAddress(variables: NodeJS.ProcessEnv): Address | { readonly problem: string } {
  const port = variables.PORT?.trim() || String(DEFAULT.port);
  const host = variables.HOST?.trim().replace(/^\[(.*)\]$/, '$1') || DEFAULT.host;
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return { port: Number(port), host };
  return {
    problem: `PORT must be a number from 0 to 65535, not '${port}'. For example: PORT=8080 npm start`,
  };
}

/** Says why the server cannot listen, and what helps. */
export function explain(error: NodeJS.ErrnoException, { port, host }: Address): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use, perhaps by another showcase. Take any free one: PORT=0 npm start`;
    case 'EACCES':
      return `Port ${port} is reserved for root. Take one from 1024 on: PORT=8080 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST must be an address of this machine, not '${host}'. For example: HOST=0.0.0.0 npm start`;
    default:
      throw error;
  }
}

/** Ends the process with a message. */
export function refuse(message: string): never {
  console.error(message);
  process.exit(1);
}
