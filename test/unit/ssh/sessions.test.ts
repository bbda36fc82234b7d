import { describe, expect, test } from 'vitest';
import { Sessions } from '../../../src/ssh/sessions.js';

describe('places for commands on a connection', () => {
  test('are given in the order of asking, never more than there are', async () => {
    const sessions = new Sessions(2);
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const leave = await sessions.enter(undefined);
        inside += 1;
        expect(inside).toBeLessThanOrEqual(2);
        order.push(index);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        leave();
        leave();
      }),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('are not lost to those who give up waiting', async () => {
    const sessions = new Sessions(1);
    const leave = await sessions.enter(undefined);
    const giveUp = new AbortController();
    const impatient = sessions.enter(giveUp.signal);
    const patient = sessions.enter(undefined);
    giveUp.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    leave();
    (await patient)();
    (await sessions.enter(undefined))();
  });

  test('become fewer when the host refuses one, but never none', async () => {
    const sessions = new Sessions(8);
    const first = await sessions.enter(undefined);
    const second = await sessions.enter(undefined);
    expect(sessions.lower()).toBe(true);
    second();
    let entered = false;
    const waiting = sessions.enter(undefined).then((leave) => {
      entered = true;
      return leave;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(entered).toBe(false);
    first();
    await waiting;
    expect(sessions.lower()).toBe(false);
  });

  test('are refused to all who wait when the connection ends', async () => {
    const sessions = new Sessions(1);
    await sessions.enter(undefined);
    const waiting = [sessions.enter(undefined), sessions.enter(undefined)];
    sessions.abort(new Error('lost'));
    for (const each of waiting) await expect(each).rejects.toThrow('lost');
  });
});
