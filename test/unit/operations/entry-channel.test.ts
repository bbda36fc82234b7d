import { describe, expect, it } from 'vitest';
import { EntryChannel } from '../../../src/operations/hosts/entry-channel.js';

describe('a channel of entries', () => {
  it('hands over one at a time, and comes back when the next is asked for', async () => {
    const channel = new EntryChannel<number>();
    const story: string[] = [];
    const finding = (async () => {
      for (const item of [1, 2, 3]) {
        await channel.put(item);
        story.push(`used ${item}`);
      }
      channel.end();
    })();
    for await (const item of channel) {
      await Promise.resolve();
      story.push(`got ${item}`);
    }
    await finding;
    expect(story).toEqual(['got 1', 'used 1', 'got 2', 'used 2', 'got 3', 'used 3']);
  });

  it('ends in the error of whoever finds them', async () => {
    const channel = new EntryChannel<number>();
    channel.fail(new Error('broken'));
    await expect(channel[Symbol.asyncIterator]().next()).rejects.toThrow('broken');
  });

  it('tells whoever finds them that nobody takes any more', async () => {
    const channel = new EntryChannel<number>();
    const first = channel.put(1);
    channel.close();
    await expect(first).rejects.toThrow('nobody takes it');
    await expect(channel.put(2)).rejects.toThrow('nobody takes it');
  });
});
