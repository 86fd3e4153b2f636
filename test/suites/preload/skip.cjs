/** Skips tests of node:test by their names (SUITE_SKIP). */
const Module = require('node:module');

const names = new Set(JSON.parse(process.env.SUITE_SKIP || '[]'));
const load = Module._load;
let replaced;

if (names.size > 0) {
  Module._load = function (...values) {
    const exported = Reflect.apply(load, this, values);
    if (values[0] !== 'node:test') return exported;
    replaced ??= withSkips(exported);
    return replaced;
  };
}

function withSkips(original) {
  return new Proxy(original, {
    apply: (target, self, values) =>
      names.has(values[0]) ? target.skip(values[0]) : Reflect.apply(target, self, values),
    get: (target, key) => (key === 'test' || key === 'it' ? replaced : target[key]),
  });
}
