/**
 * Guards that what has left is free for the collector of young objects: neither a list nor a table may lead from dead old objects to those
 * that came later. Without it each collection copies all that has passed since the last full one.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { Departures } from '../../bridges/_process/departures.ts';
import { Slots } from '../../bridges/_process/slots.ts';
import { Line, Members, type Place } from '../../src/gateway/index.ts';
import { privateMember } from '../../src/gateway/private-member.ts';

/** Something that comes, stays for a while and leaves: about 1 KB. */
const visitor = (): { parts: number[] } => ({ parts: new Array<number>(100).fill(0.5) });

const VISITORS = 150_000;
/** As many are there at the same time. */
const PRESENT = 32;

function oldSpace(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}

/** Makes all that lives by now old, as a server is that nobody has asked for a while. */
function growOld(): void {
  for (let index = 0; index < VISITORS; index += 1) visitor();
}

/** Runs a step for each visitor. @returns octets that became old, for each */
function promoted(step: (index: number) => void): number {
  for (let index = 0; index < PRESENT * 2; index += 1) step(index);
  growOld();
  let [sum, last] = [0, oldSpace()];
  for (let index = PRESENT * 2; index < VISITORS; index += 1) {
    step(index);
    if (index % 256 > 0) continue;
    const now = oldSpace();
    // A full collection makes it less.
    sum += Math.max(0, now - last);
    last = now;
  }
  return sum / VISITORS;
}

/** Lets one come and, once there are many, the oldest leave. */
function passing<Kept>(come: () => Kept, leave: (kept: Kept) => void): (index: number) => void {
  const present = new Array<Kept | undefined>(PRESENT).fill(undefined);
  return (index) => {
    const oldest = present[index % PRESENT];
    if (oldest !== undefined) leave(oldest);
    present[index % PRESENT] = come();
  };
}

describe('What has left', () => {
  it('is kept by a Map: this test would see it', () => {
    const map = new Map<number, object>();
    const step = (index: number): void => {
      map.set(index, visitor());
      map.delete(index - PRESENT);
    };
    expect(promoted(step)).toBeGreaterThan(100);
  });

  const line = new Line<object>();
  const members = new Members<object>();
  const member = privateMember<object>();
  const departures = new Departures();
  const slots = new Slots({ program: 'test', most: 2, mostWaiting: 100, patience: 60_000 });
  const releases: (() => void)[] = [];

  it.each<[string, (index: number) => void]>([
    [
      'a Line',
      passing(
        () => line.add(visitor()),
        (place: Place<object>) => place.leave(),
      ),
    ],
    [
      'Members',
      passing(
        () => {
          const one = visitor();
          members.add(one);
          return one;
        },
        (one) => members.delete(one),
      ),
    ],
    [
      'a private member',
      () => {
        const owner = visitor();
        member.set(owner, { owner });
      },
    ],
    [
      'Departures',
      passing(
        () => departures.add({ watch() {}, ...visitor() }),
        (place: Place<object>) => place.leave(),
      ),
    ],
    [
      'Slots',
      () => {
        const parts = visitor();
        slots.enter({ admit: (release) => releases.push(release), refuse: () => parts });
        if (slots.waiting > PRESENT) releases.shift()?.();
      },
    ],
  ])('is not kept by %s', (_name, step) => {
    expect(promoted(step)).toBeLessThan(30);
  });
});
