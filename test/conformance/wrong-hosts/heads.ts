/** Hosts that treat startResponse and the head of a response wrongly. */
import type { HeaderList, StartResponse } from '../../../src/wsgi.ts';
import { node } from '../hosts.ts';
import {
  ignoringSecondCalls,
  rechunking,
  type Sabotage,
  sabotaged,
  starting,
  type WrongHosts,
} from './wrong-host.ts';

/** Lets no call throw: what is not allowed is taken out. */
function mended(text: unknown): string {
  return `${text}`.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

const mending: Sabotage = (application) => (environ, startResponse) => {
  const hint = environ['gateway.early_hints'];
  const mendFields = (headers: Readonly<HeaderList>): HeaderList =>
    headers.map(([name, value]) => [mended(name).replaceAll(' ', '-'), mended(value)]);
  environ['gateway.early_hints'] = (headers) => hint?.(mendFields(headers));
  return application(environ, (status, headers, excInfo) =>
    startResponse(mended(status), mendFields(headers), excInfo),
  );
};

const checkingLate: Sabotage = (application) => async (environ, startResponse) => {
  let late = (): unknown => undefined;
  const body = await application(environ, (status, headers) => {
    late = () => startResponse(status, headers);
    return async () => {};
  });
  late();
  return body;
};

/** Begins the response itself if the application has not. */
const beginning: Sabotage = (application) => async (environ, startResponse) => {
  let write: ReturnType<StartResponse> | undefined;
  const body = await application(environ, (...start) => (write ??= startResponse(...start)));
  write ??= startResponse('200 OK', []);
  return body;
};

/** Changes the header list of each call. */
function changingHeaders(change: (headers: Readonly<HeaderList>) => HeaderList): Sabotage {
  return starting(
    (startResponse) => (status, headers, excInfo) => startResponse(status, change(headers), excInfo),
  );
}

/** The hosts. */
export const WRONG_HEADS: WrongHosts = {
  'a second call that is accepted': {
    host: sabotaged(
      node,
      starting((startResponse) => (status, headers) => startResponse(status, headers, new Error('replaced'))),
    ),
    noticedBy: ['start-response-72-second-call', 'start-response-72-second-call-sent'],
  },
  'a second call that is ignored': {
    host: sabotaged(node, ignoringSecondCalls),
    noticedBy: [
      'start-response-74-replacement',
      'start-response-77-abort',
      'body-104-empty-chunks-delay',
      'start-response-89-after-the-end',
    ],
  },
  'excInfo that is always thrown': {
    host: sabotaged(
      node,
      starting((startResponse) => (status, headers, excInfo) => {
        if (excInfo !== undefined) throw excInfo;
        return startResponse(status, headers);
      }),
    ),
    noticedBy: [
      'start-response-74-replacement',
      'start-response-75-first-call',
      'start-response-80-returns-write',
      'start-response-81-synchronous-checks',
    ],
  },
  'excInfo that is thrown as something else': {
    host: sabotaged(
      node,
      starting((startResponse) => (...start) => {
        try {
          return startResponse(...start);
        } catch (cause) {
          throw new Error('startResponse failed', { cause });
        }
      }),
    ),
    noticedBy: ['start-response-76-re-raise'],
  },
  'excInfo that is not thrown': {
    host: sabotaged(
      node,
      starting((startResponse) => (...start) => {
        try {
          return startResponse(...start);
        } catch {
          return async () => {};
        }
      }),
    ),
    noticedBy: ['start-response-76-re-raise', 'start-response-89-after-the-end'],
  },
  'heads that are mended': {
    host: sabotaged(node, mending),
    noticedBy: [
      'start-response-61-status-controls',
      'start-response-64-field-name',
      'start-response-66-value-controls',
      'start-response-67-above-latin-1',
      'start-response-73-after-failed-call',
      'body-142-early-hints-checked',
    ],
  },
  'headers that are checked late': {
    host: sabotaged(node, checkingLate),
    noticedBy: ['start-response-81-synchronous-checks', 'start-response-82-own-copy'],
  },
  'a head that is begun before the iteration': {
    host: sabotaged(node, beginning),
    noticedBy: [
      'body-103-lazy-generator',
      'body-103-lazy-async-generator',
      'body-103-lazy-late-third-chunk',
      'start-response-84-never-called-empty',
    ],
  },
  'a reason in UTF-8': {
    host: sabotaged(
      node,
      starting(
        (startResponse) => (status, headers, excInfo) =>
          startResponse(Buffer.from(status).toString('latin1'), headers, excInfo),
      ),
    ),
    noticedBy: ['start-response-68-latin-1-reason'],
  },
  'its own Server and Date': {
    host: sabotaged(
      node,
      changingHeaders((headers) => [
        ...headers.filter(([name]) => !/^(?:server|date)$/i.test(name)),
        ['Server', 'x'],
        ['Date', 'now'],
      ]),
    ),
    noticedBy: [
      'start-response-87-date-added',
      'start-response-87-date-kept',
      'start-response-88-no-server',
      'start-response-88-server-kept',
    ],
  },
  'names in lower case': {
    host: sabotaged(
      node,
      changingHeaders((headers) =>
        headers.map(([name, value]) => [name.toLowerCase(), value.replaceAll('\t', ' ')]),
      ),
    ),
    noticedBy: ['start-response-86-name-case', 'start-response-66-htab'],
  },
  'a Content-Length that is lost': {
    host: sabotaged(
      node,
      changingHeaders((headers) => headers.filter(([name]) => name !== 'Content-Length')),
    ),
    noticedBy: ['body-111-head-length', 'file-wrapper-146-content-length', 'write-97-past-content-length'],
  },
  'short content that is filled up': {
    host: sabotaged(
      node,
      rechunking(async function* (chunks) {
        yield* chunks;
        yield Buffer.alloc(10);
      }),
    ),
    noticedBy: ['body-118-too-short-array', 'body-118-too-short-generator'],
  },
};
