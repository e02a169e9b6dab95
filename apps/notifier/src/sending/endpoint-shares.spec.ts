import { EndpointShares } from './endpoint-shares.js';

describe('EndpointShares', () => {
  it('gives each endpoint its share, and all together no more than there is', () => {
    const shares = new EndpointShares(3, 4);
    for (let n = 0; n < 3; n += 1) shares.take('a');
    expect([shares.roomOf('a'), shares.roomOf('b'), shares.room]).toEqual([0, 1, 1]);
    shares.take('b');
    expect(shares.roomOf('c')).toBe(0);
    shares.free('a');
    expect([shares.roomOf('a'), shares.roomOf('c')]).toEqual([1, 1]);
    expect(shares.limited()).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
  });

  it('leaves a small share to an endpoint in trouble until it is well again', () => {
    const shares = new EndpointShares(8, 100);
    for (let n = 0; n < 5; n += 1) shares.take('a');
    shares.setTroubled('a', true);
    expect(shares.roomOf('a')).toBeLessThan(0);
    expect(shares.limited().get('a')).toBe(0);
    for (let n = 0; n < 5; n += 1) shares.free('a');
    expect(shares.limited()).toEqual(new Map([['a', 2]]));
    shares.setTroubled('a', false);
    expect([shares.roomOf('a'), shares.limited().size]).toEqual([8, 0]);
  });
});
