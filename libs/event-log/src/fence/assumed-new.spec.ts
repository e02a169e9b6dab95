import { AssumedNew } from './assumed-new.js';

const taken = (table: string): Error => Object.assign(new Error('duplicate key'), { code: '23505', table });

/** A table whose insert refuses what is there already, and the looks that were taken at it. */
function rig() {
  const stored = new Set<string>();
  let looks = 0;
  const assumed = new AssumedNew('identity');
  const insert = (ids: readonly string[]): Promise<void> =>
    assumed.run(
      new Set<string>(),
      async () => {
        looks += 1;
        return new Set(ids.filter((id) => stored.has(id)));
      },
      async (known) => {
        const fresh = ids.filter((id) => !known.has(id));
        if (fresh.some((id) => stored.has(id))) throw taken('identity');
        for (const id of fresh) stored.add(id);
      },
    );
  return { stored, insert, looks: () => looks };
}

describe('identities assumed to be new', () => {
  it('are inserted without a look while they are', async () => {
    const { insert, stored, looks } = rig();
    await insert(['a', 'b']);
    await insert(['c']);
    expect([...stored]).toEqual(['a', 'b', 'c']);
    expect(looks()).toBe(0);
  });

  it('are looked up once one is refused, and first until a look finds none', async () => {
    const { insert, stored, looks } = rig();
    await insert(['a']);
    await insert(['a', 'b']);
    expect([...stored]).toEqual(['a', 'b']);
    expect(looks()).toBe(1);
    await insert(['b', 'c']);
    await insert(['d']);
    expect(looks()).toBe(3);
    await insert(['e']);
    expect(looks()).toBe(3);
    expect(stored.size).toBe(5);
  });

  it('leave every other error alone', async () => {
    const assumed = new AssumedNew('identity');
    const look = async () => Promise.reject(new Error('not to be asked'));
    for (const error of [taken('another'), new Error('gone'), Object.assign(new Error('moved'), { code: 'TW001' })]) {
      await expect(assumed.run(new Set(), look, () => Promise.reject(error))).rejects.toBe(error);
    }
  });
});
