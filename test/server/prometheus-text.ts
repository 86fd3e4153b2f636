/** A strict parser of Prometheus' text, version 0.0.4. */

/** One sample. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples that share a name. */
export interface SampleFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|NaN)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;

/** Reads a text: each family has HELP, TYPE and samples, in this order, once. Throws for anything else. */
export function parsePrometheusText(text: string): Map<string, SampleFamily> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end');
  const families = new Map<string, SampleFamily & { samples: Sample[] }>();
  const lines = text.slice(0, -1).split('\n');
  for (let index = 0; index < lines.length; ) {
    const [, name = '', help = ''] = match(HELP, lines[index]);
    const [, typed, type = ''] = match(TYPE, lines[index + 1]);
    if (typed !== name || families.has(name)) throw new Error(`Wrong order: ${lines[index + 1]}`);
    const samples: Sample[] = [];
    const seen = new Set<string>();
    for (index += 2; index < lines.length && lines[index]?.startsWith('#') === false; index += 1) {
      const [, sampled, labels = '', value] = match(SAMPLE, lines[index]);
      if (sampled !== name || seen.has(labels)) throw new Error(`Wrong sample: ${lines[index]}`);
      seen.add(labels);
      samples.push({ name, labels: parseLabels(labels), value: Number(value) });
    }
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`No _total: ${name}`);
    families.set(name, { type, help, samples });
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [all, name = '', value = ''] = match(LABEL, rest);
    if (name in labels) throw new Error(`Twice: ${name}`);
    labels[name] = value.replace(/\\(.)/g, (_escape, character) => (character === 'n' ? '\n' : character));
    rest = rest.slice(all.length);
  }
  return labels;
}

function match(pattern: RegExp, text: string | undefined): RegExpExecArray {
  const found = pattern.exec(text ?? '');
  if (found === null) throw new Error(`Not understood: ${JSON.stringify(text)}`);
  return found;
}
