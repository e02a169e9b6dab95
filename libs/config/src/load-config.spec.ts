import { inspect } from 'node:util';
import {
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Max,
  Min,
  MinLength,
} from 'class-validator';
import { Description, Secret, describeConfig } from './config-fields.js';
import { ConfigError, loadConfig } from './load-config.js';

class LogConfig {
  @IsIn(['debug', 'info']) LOG_LEVEL: 'debug' | 'info' = 'info';
}

class DoorConfig extends LogConfig {
  @Description('Public port') @IsInt() @Min(1) @Max(65_535) PORT: number = 3000;
  @IsNumber() RATIO: number = 0.5;
  @IsBoolean() TRUST_PROXY: boolean = true;
  @IsArray() @ArrayMinSize(1) BROKERS!: string[];
  @Secret() @IsString() @MinLength(8) ADMIN_TOKEN!: string;
  @IsOptional() @IsString() API_PUBLIC_URL?: string;
}

const GOOD = { BROKERS: 'a:1, b:2', ADMIN_TOKEN: 'tw_admin_secret' };

function problemsOf(env: Record<string, string>): Record<string, string[]> {
  try {
    loadConfig(DoorConfig, env);
  } catch (error) {
    if (error instanceof ConfigError)
      return Object.fromEntries(error.problems.map(({ name, wanted }) => [name, wanted]));
    throw error;
  }
  return {};
}

describe('loadConfig', () => {
  it('converts by the declared types and keeps defaults', () => {
    const config = loadConfig(DoorConfig, {
      ...GOOD,
      PORT: '8080',
      RATIO: '-0.25',
      TRUST_PROXY: 'false',
      LOG_LEVEL: 'debug',
    });
    expect(config).toBeInstanceOf(DoorConfig);
    expect({ ...config }).toEqual({
      PORT: 8080,
      RATIO: -0.25,
      TRUST_PROXY: false,
      LOG_LEVEL: 'debug',
      BROKERS: ['a:1', 'b:2'],
      ADMIN_TOKEN: 'tw_admin_secret',
    });
    expect(loadConfig(DoorConfig, GOOD)).toMatchObject({ PORT: 3000, TRUST_PROXY: true, LOG_LEVEL: 'info' });
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('reads the boolean %s', (text, value) => {
    expect(loadConfig(DoorConfig, { ...GOOD, TRUST_PROXY: text }).TRUST_PROXY).toBe(value);
  });

  it.each(['yes', 'TRUE', 'on', 'toString'])('refuses %s as a boolean', (text) => {
    expect(problemsOf({ ...GOOD, TRUST_PROXY: text })).toEqual({ TRUST_PROXY: ['must be true or false (1 or 0)'] });
  });

  it.each(['80a', '0x50', '1e3', 'Infinity', 'NaN', '1_000', '9007199254740993'])('refuses %s as a number', (text) => {
    expect(Object.keys(problemsOf({ ...GOOD, RATIO: text }))).toEqual(['RATIO']);
  });

  it('takes an empty variable as unset and ignores variables of others', () => {
    const config = loadConfig(DoorConfig, { ...GOOD, PORT: ' ', API_PUBLIC_URL: '', HOME: '/root' });
    expect(config.PORT).toBe(3000);
    expect(config.API_PUBLIC_URL).toBeUndefined();
    expect(config).not.toHaveProperty('HOME');
  });

  it('names every bad variable and what is wanted, and never a value', () => {
    const env = { PORT: '70000', RATIO: 'half', ADMIN_TOKEN: 'hunter2', LOG_LEVEL: 'loud' };
    expect(problemsOf(env)).toEqual({
      PORT: ['must not be greater than 65535'],
      RATIO: ['must be a number, such as 5000 or 0.5'],
      BROKERS: ['is required (a list separated by commas)'],
      ADMIN_TOKEN: ['must be longer than or equal to 8 characters'],
      LOG_LEVEL: ['must be one of the following values: debug, info'],
    });
    const message = String(
      new ConfigError(Object.entries(problemsOf(env)).map(([name, wanted]) => ({ name, wanted }))),
    );
    for (const value of ['70000', 'half', 'hunter2', 'loud']) expect(message).not.toContain(value);
  });

  it('does not print secrets', () => {
    const config = loadConfig(DoorConfig, GOOD);
    for (const printed of [JSON.stringify({ config }), inspect(config), inspect({ deep: { config } })]) {
      expect(printed).toContain('[redacted]');
      expect(printed).not.toContain('tw_admin_secret');
    }
    expect(config.ADMIN_TOKEN).toBe('tw_admin_secret');
  });

  it('cannot be changed once it was read', () => {
    const config = loadConfig(DoorConfig, GOOD);
    expect(() => (config.PORT = 1)).toThrow(TypeError);
  });
});

describe('describeConfig', () => {
  it('lists every variable with type, need and default, inherited ones too', () => {
    const fields = describeConfig(DoorConfig);
    expect(fields).toHaveLength(7);
    expect(fields).toEqual(
      expect.arrayContaining([
        { name: 'LOG_LEVEL', type: 'string', required: false, default: 'info', secret: false },
        { name: 'PORT', type: 'number', required: false, default: 3000, description: 'Public port', secret: false },
        { name: 'BROKERS', type: 'list', required: true, secret: false },
        { name: 'ADMIN_TOKEN', type: 'string', required: true, secret: true },
        { name: 'API_PUBLIC_URL', type: 'string', required: false, secret: false },
      ]),
    );
  });

  it('refuses a field whose type the decorators cannot see', () => {
    class Vague {
      @IsInt() PORT = 3000;
    }
    expect(() => describeConfig(Vague)).toThrow('Vague.PORT: write its type out');
  });
});
