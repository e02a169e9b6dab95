export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** RFC 9110: names consist of `tchar`. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
export const IS_TOKEN = tableOf((byte) => TOKEN.test(String.fromCharCode(byte)));
/** RFC 9110: `field-vchar`, space and tab, of which values consist: no CR, LF, NUL nor any other control character. */
export const IS_TEXT = tableOf((byte) => byte === TAB || (byte >= SPACE && byte !== 0x7f));
/** Of a hexadecimal digit its value, of every other byte 255. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** @returns 1 for each byte that is one of them, else 0 */
function tableOf(isOne: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isOne(byte) ? 1 : 0));
}
