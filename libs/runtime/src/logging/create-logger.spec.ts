import { PassThrough } from 'node:stream';
import { createLogger } from './create-logger.js';
import { withCorrelation } from './correlation.js';
import { NestLogger } from './nest-logger.js';

function capture(): { lines: () => Record<string, unknown>[]; logger: ReturnType<typeof createLogger> } {
  const written: string[] = [];
  const logger = createLogger({
    app: 'door',
    level: 'trace',
    destination: { write: (line) => void written.push(line) },
  });
  return { logger, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes one line per event with app, level as a word and ISO time', () => {
    const { logger, lines } = capture();
    logger.info({ signalId: 's1', fills: 2 }, 'executed');
    expect(lines()).toEqual([
      {
        app: 'door',
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        signalId: 's1',
        fills: 2,
        msg: 'executed',
      },
    ]);
  });

  it('never writes secrets, wherever they stand', () => {
    const { logger, lines } = capture();
    logger.info({ apiKey: 'hunter2', headers: { authorization: 'hunter2', 'x-signature': 'hunter2' } });
    logger.info({
      req: { headers: { 'webhook-signature': 'hunter2', cookie: 'hunter2' } },
      tenant: { secret: 'hunter2' },
    });
    expect(JSON.stringify(lines())).not.toContain('hunter2');
    expect(lines()[0]).toMatchObject({ apiKey: '[redacted]', headers: { authorization: '[redacted]' } });
  });

  it('adds the correlation id to lines written within, also later and in children', async () => {
    const { logger, lines } = capture();
    await withCorrelation('c1', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      logger.child({ part: 'x' }).info('within');
    });
    logger.info('outside');
    expect(lines().map((line) => line['correlationId'])).toEqual(['c1', undefined]);
  });

  it('writes lines for people when asked to', () => {
    const out = new PassThrough();
    createLogger({ app: 'door', pretty: true, destination: out }).info('hello');
    expect(String(out.read())).toMatch(/INFO.*hello/);
  });
});

describe('NestLogger', () => {
  it('maps the levels of Nest and its context', () => {
    const { logger, lines } = capture();
    const nest = new NestLogger(logger);
    nest.log('started', 'NestFactory');
    nest.verbose('detail', 'Router');
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'started', context: 'NestFactory' },
      { level: 'trace', msg: 'detail', context: 'Router' },
    ]);
  });

  it('keeps an error with its stack, given either way', () => {
    const { logger, lines } = capture();
    const nest = new NestLogger(logger);
    const error = new Error('broken');
    nest.error(error, undefined, 'Orders');
    nest.error('broken', error.stack, 'Orders');
    expect(lines()).toMatchObject([
      { level: 'error', msg: 'broken', err: { message: 'broken' }, context: 'Orders' },
      { level: 'error', msg: 'broken', stack: error.stack, context: 'Orders' },
    ]);
  });

  it('takes an object as the fields of the line and keeps further values', () => {
    const { logger, lines } = capture();
    new NestLogger(logger).warn({ msg: 'slow', ms: 900 }, { extra: 1 }, 'Pool');
    expect(lines()).toMatchObject([{ level: 'warn', msg: 'slow', ms: 900, details: [{ extra: 1 }], context: 'Pool' }]);
  });
});
