import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingLine } from '../../../bridges/_process/waiting-line.ts';

type Step = readonly ['add' | 'putBack' | 'leave' | 'take' | 'takeAll', number];

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step[0][]>('add', 'putBack', 'leave', 'take', 'takeAll'), fc.nat(8)),
  { maxLength: 60 },
);

describe('WaitingLine', () => {
  it('gives in order of arrival, whoever leaves or is put back', () => {
    const line = new WaitingLine<string>();
    for (const item of ['a', 'b', 'c', 'd']) line.add(item);
    line.leave('c');
    expect([line.take(), line.peek(), line.length]).toEqual(['a', 'b', 2]);
    line.putBack('a');
    line.leave('nobody');
    expect(line.takeAll()).toEqual(['a', 'b', 'd']);
    expect([line.take(), line.peek(), line.length]).toEqual([undefined, undefined, 0]);
  });

  it('is an array in all but its cost', () => {
    fc.assert(
      fc.property(steps, (all: readonly Step[]) => {
        const line = new WaitingLine<string>();
        let model: string[] = [];
        for (const [index, [step, place]] of all.entries()) {
          if (step === 'add') {
            line.add(`${index}`);
            model.push(`${index}`);
          } else if (step === 'putBack') {
            line.putBack(`${index}`);
            model.unshift(`${index}`);
          } else if (step === 'leave') {
            const leaving = model[place] ?? 'nobody';
            line.leave(leaving);
            model = model.filter((item) => item !== leaving);
          } else if (step === 'take') expect(line.take()).toBe(model.shift());
          else expect(line.takeAll()).toEqual(model.splice(0));
          expect([line.length, line.peek()]).toEqual([model.length, model[0]]);
        }
      }),
    );
  });
});
