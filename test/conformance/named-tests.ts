/** The tests that hold lines of the checklist which are neither rules of the validator nor audits. */

/** A test by its file and its title as the file spells it. */
export type NamedTest = readonly [file: string, title: string];

/** The tests by line. */
export const NAMED_TESTS: Readonly<Record<number, readonly NamedTest[]>> = {
  220: [['test/gateway/uri.test.ts', 'shiftPathInfo()']],
  221: [
    ['test/gateway/uri.test.ts', 'applicationUri()'],
    ['test/gateway/uri.test.ts', 'requestUri()'],
  ],
  222: [['test/gateway/uri.test.ts', 'guessScheme()']],
  223: [
    ['test/testing/build-environ.test.ts', 'fills an empty environ'],
    ['test/testing/build-environ.test.ts', 'keeps existing keys'],
  ],
  224: [['test/gateway/headers.test.ts', 'isHopByHop()']],
  225: [
    ['test/gateway/headers.test.ts', 'is a mapping'],
    ['test/gateway/headers.test.ts', 'adds parameters and formats a field section'],
    ['test/gateway/headers.test.ts', 'refuses anything but a list of pairs'],
  ],
  226: [['test/testing/validated-environ.test.ts', 'passes the validator: %s']],
  227: [['test/testing/run-app.test.ts', 'buffered: %s']],
  228: [
    [
      'test/testing/run-app.test.ts',
      'iterates the body only as it is read, after the chunk that sends the head',
    ],
    ['test/testing/run-app.test.ts', 'closes an unread body once'],
  ],
  229: [
    ['test/testing/client.test.ts', 'redirects'],
    ['test/testing/client.test.ts', 'in a loop fail, and close every body'],
    ['test/testing/client.test.ts', 'belong to a path'],
    ['test/testing/client.test.ts', 'belong to a domain'],
  ],
  230: [['test/validate/lazy-messages.test.ts', 'formats no message when nothing is wrong']],
};
