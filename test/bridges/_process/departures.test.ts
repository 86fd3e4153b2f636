import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Departures } from '../../../bridges/_process/departures.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('watches requests that last, each once, and none that has ended', () => {
  const departures = new Departures();
  const watched: string[] = [];
  const make = (name: string): { watch(): void } => ({ watch: () => watched.push(name) });
  const [short, long] = [make('short'), make('long')];
  const place = departures.add(short);
  departures.add(long);
  place.leave();
  vi.advanceTimersByTime(39);
  expect(watched).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(watched).toEqual(['long']);
  const later = make('later');
  const placeOfLater = departures.add(later);
  // Between the first sweep and the second.
  vi.advanceTimersByTime(25);
  placeOfLater.leave();
  vi.advanceTimersByTime(100);
  expect(watched).toEqual(['long']);
  expect(vi.getTimerCount()).toBe(0);
  departures.add(make('last'));
  vi.advanceTimersByTime(100);
  expect(watched).toEqual(['long', 'last']);
  expect(vi.getTimerCount()).toBe(0);
});
