import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../bridges/_process/slots.ts';

const make = (most: number, mostWaiting = 10, patience = 1_000): Slots =>
  new Slots({ program: 'old.cgi', most, mostWaiting, patience });

describe('Slots', () => {
  it('gives so many, and then each that is given back, in order', async () => {
    const slots = make(2);
    const [first, second] = [await slots.take(), await slots.take()];
    const order: number[] = [];
    const waiting = [1, 2].map(async (number) => {
      const release = await slots.take();
      order.push(number);
      release();
    });
    await delay(5);
    expect([order, slots.taken, slots.waiting]).toEqual([[], 2, 2]);
    first();
    first();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    second();
    expect([slots.taken, slots.waiting]).toEqual([0, 0]);
  });

  it('refuses with 503 and Retry-After if too many wait', async () => {
    const slots = make(1, 1);
    const release = await slots.take();
    const waiting = slots.take();
    await expect(slots.take()).rejects.toMatchObject({
      code: 'WSGI_ERR_UPSTREAM_BUSY',
      statusCode: 503,
      headers: { 'Retry-After': '1' },
      message: expect.stringContaining('old.cgi: 1 are served, and 1 wait'),
    });
    release();
    (await waiting)();
    expect(slots.taken).toBe(0);
  });

  it('refuses what waits too long', async () => {
    const slots = make(1, 1, 10);
    const release = await slots.take();
    await expect(slots.take()).rejects.toMatchObject({ statusCode: 503 });
    expect(slots.waiting).toBe(0);
    release();
    (await slots.take())();
    expect(slots.taken).toBe(0);
  });

  it('lets clients leave the queue', async () => {
    const slots = make(1);
    const release = await slots.take();
    const controller = new AbortController();
    const waiting = slots.take(controller.signal);
    const reason = new Error('left');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(slots.take(controller.signal)).rejects.toBe(reason);
    expect(slots.waiting).toBe(0);
    release();
    expect(slots.taken).toBe(0);
  });

  it('has nothing more to do with the client of a request that it has refused', async () => {
    const slots = make(1, 0);
    const release = await slots.take();
    const controller = new AbortController();
    await expect(slots.take(controller.signal)).rejects.toMatchObject({ statusCode: 503 });
    const thrown: unknown[] = [];
    const note = (error: unknown): unknown => thrown.push(error);
    process.once('uncaughtException', note);
    controller.abort();
    await delay(5);
    process.off('uncaughtException', note);
    expect(thrown).toEqual([]);
    release();
    expect([slots.taken, slots.waiting]).toEqual([0, 0]);
  });

  it('passes a slot on to any number that give it back at once', () => {
    const slots = make(1, 50_000);
    let release = (): void => {};
    slots.enter({ admit: (own) => (release = own), refuse() {} });
    let admitted = 0;
    const visitor = {
      admit(own: () => void): void {
        admitted += 1;
        own();
      },
      refuse() {},
    };
    for (let count = 0; count < 50_000; count += 1) slots.enter(visitor);
    release();
    expect([admitted, slots.taken, slots.waiting]).toEqual([50_000, 0, 0]);
  });
});
