import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Line, type Place } from '../../src/gateway/line.ts';

type Step = readonly ['add' | 'addFirst' | 'leave' | 'take' | 'takeAll', number];

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step[0][]>('add', 'addFirst', 'leave', 'take', 'takeAll'), fc.nat(8)),
  { maxLength: 60 },
);

describe('Line', () => {
  it('gives in order of arrival, whoever leaves or is put to the front', () => {
    const line = new Line<string>();
    const places = ['a', 'b', 'c', 'd'].map((member) => line.add(member));
    expect([places[2]?.leave(), places[2]?.leave()]).toEqual([true, false]);
    expect([line.take(), line.peek(), line.length]).toEqual(['a', 'b', 2]);
    expect(places[0]?.leave()).toBe(false);
    line.addFirst('a');
    expect([line.members(), line.takeAll()]).toEqual([
      ['a', 'b', 'd'],
      ['a', 'b', 'd'],
    ]);
    expect([line.take(), line.peek(), line.length]).toEqual([undefined, undefined, 0]);
  });

  it('is an array in all but its cost', () => {
    fc.assert(
      fc.property(steps, (all: readonly Step[]) => {
        const line = new Line<string>();
        let model: Place<string>[] = [];
        for (const [index, [step, at]] of all.entries()) {
          if (step === 'add') model.push(line.add(`${index}`));
          else if (step === 'addFirst') model.unshift(line.addFirst(`${index}`));
          else if (step === 'leave') {
            const leaving = model[at];
            if (leaving !== undefined) expect([leaving.leave(), leaving.leave()]).toEqual([true, false]);
            model = model.filter((place) => place !== leaving);
          } else if (step === 'take') expect(line.take()).toBe(model.shift()?.member);
          else expect(line.takeAll()).toEqual(model.splice(0).map(({ member }) => member));
          expect(line.members()).toEqual(model.map(({ member }) => member));
          expect([line.length, line.peek()]).toEqual([model.length, model[0]?.member]);
        }
      }),
    );
  });

  it('leaves no way from a place that was left to those that came later', () => {
    const line = new Line<string>();
    const places = ['a', 'b', 'c'].map((member) => line.add(member));
    line.take();
    places[1]?.leave();
    expect(places.slice(0, 2).map(({ line: of, before, behind }) => [of, before, behind])).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ]);
    expect(line.members()).toEqual(['c']);
  });
});
