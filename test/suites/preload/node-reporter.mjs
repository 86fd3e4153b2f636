/**
 * What node:test tells of each test of a file, one line of JSON each. A test within a test is named by both.
 *
 * The runner reports in the order of declaration: `test:start` of all that a test stands in comes before it.
 */
export default async function* reporter(source) {
  const path = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path.push(data.name);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const name = [...path.slice(0, data.nesting), data.name].join(' > ');
      const error = data.details?.error;
      const message = error && String(error.cause?.stack ?? error.cause ?? error.message).slice(0, 1000);
      yield `${JSON.stringify({ file: process.env.SUITE_FILE, name, outcome: outcomeOf(type, data), message })}\n`;
    }
  }
}

function outcomeOf(type, { skip, todo }) {
  if (skip !== undefined && skip !== false) return 'skipped';
  if (type === 'test:pass') return 'passed';
  return todo === undefined ? 'failed' : 'skipped';
}
