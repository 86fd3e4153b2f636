/** The application that the command has loaded, of whatever kind, and the settings that say what to load. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApplicationFunction } from '../wsgi.ts';
import type { Kind } from './recognise.ts';
import type { Settings } from './settings.ts';

/** A loaded application. */
export interface LoadedApplication {
  /** The file and the export, for people. */
  readonly name: string;
  readonly kind: Kind | 'python';
  readonly application: ApplicationFunction;
  /** The module's export `upgrade`: takes over connections that ask for an upgrade, as `ws` does. */
  readonly upgrade: UpgradeListener | undefined;
  /** Runs the shutdown hooks: the module's export `close`, and those of the framework. */
  close(): Promise<void>;
}

/** A listener for the event `upgrade` of the server. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What to load, by the settings. */
export interface LoadSettings
  extends Pick<Settings, 'app' | 'folder' | 'factory' | 'interface' | 'import' | 'python' | 'threads'> {
  /** Takes the lines about worker processes of another language; standard error without. */
  readonly log?: (line: string) => void;
}
