// Reads the JSON reports of vitest in a folder: node .ci/figures.mjs <folder> [failed <report>]
// `failed` prints the files of one report in which a test failed; without it, one closing line for all reports.
//
// A report `<name>-again.json` holds the files that failed in `<name>.json`, run a second time with nothing beside
// them: tests wait for sockets and processes, and a busy machine may be late. What passes then is named aloud.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [folder, command, name] = process.argv.slice(2);

/** Reads a report: its results by file and test. A file that could not be loaded counts as one failed test. */
function read(report) {
  const results = new Map();
  const path = join(folder, `${report}.json`);
  if (!existsSync(path)) return results;
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    const shown = relative(process.cwd(), file.name);
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
      results.set(`${shown} as a whole`, { file: shown, status: 'failed' });
    }
    // Two projects may have one file, so a name may come twice.
    for (const { fullName, status } of file.assertionResults) {
      let key = `${shown} > ${fullName}`;
      while (results.has(key)) key += ' (again)';
      results.set(key, { file: shown, status });
    }
  }
  return results;
}

if (command === 'failed') {
  const failed = [...read(name).values()].filter((result) => result.status === 'failed');
  console.log([...new Set(failed.map((result) => result.file))].join('\n'));
} else {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const reports = readdirSync(folder).filter(
    (file) => file.endsWith('.json') && !file.endsWith('-again.json'),
  );
  for (const report of reports.map((file) => file.slice(0, -'.json'.length))) {
    const again = read(`${report}-again`);
    for (const [key, { file, status }] of read(report)) {
      const isMended = status === 'failed' && isPassed(again, file, key);
      if (isMended) console.log(`Passed only in the second run, on its own (${report}): ${key}`);
      if (status === 'failed' && !isMended) counts.failed += 1;
      else if (status === 'failed' || status === 'passed') counts.passed += 1;
      else counts.skipped += 1;
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.passed === 0 || counts.failed > 0) process.exitCode = 1;
}

/** Is true where the second run has the test as passed, or for a file as a whole: has the file, and no failed test. */
function isPassed(again, file, key) {
  if (again.has(key)) return again.get(key).status === 'passed';
  const ofFile = [...again.values()].filter((result) => result.file === file);
  return ofFile.length > 0 && ofFile.every((result) => result.status !== 'failed');
}
