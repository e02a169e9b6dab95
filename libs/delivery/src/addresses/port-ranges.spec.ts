import { DEFAULT_PORTS, parsePorts } from './port-ranges.js';

describe('parsePorts', () => {
  it('reads ports and ranges of them', () => {
    expect(parsePorts('443, 8000-8999,1-65535')).toEqual([
      [443, 443],
      [8_000, 8_999],
      [1, 65_535],
    ]);
  });

  it.each([undefined, '', ' , '])('reads %p as the default', (text) => {
    expect(parsePorts(text)).toBe(DEFAULT_PORTS);
  });

  it.each(['0', '65536', '-1', '80-', '-80', '90-80', '80-90-100', 'https', '8o', '1e3', '0x50', '80.5'])(
    'stops at %p and names its position',
    (entry) => {
      expect(() => parsePorts(`443,${entry}`)).toThrow(/entry 2 /);
    },
  );
});
