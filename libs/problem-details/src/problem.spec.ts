import {
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { DomainError, TransientError } from '@tickwire/errors';
import { PROBLEMS, codeOfStatus, problemKind } from './catalogue.js';
import { problem } from './problem.js';
import { problemAnswer } from './problem-answer.js';
import { ProblemError } from './problem-error.js';

class SignalExpired extends DomainError {
  readonly code = 'STALE_TIMESTAMP';
  constructor(override readonly details: { ageMs: number; toleranceMs: number }) {
    super(`Signal is ${details.ageMs} ms old`);
  }
}

class TooFast extends DomainError {
  readonly code = 'RATE_LIMITED';
  override readonly details = { retryAfterMs: 1_200, limit: 'account' };
}

class RuleBroken extends DomainError {
  readonly code = 'RULE_DAILY_LOSS';
}

class LogDown extends TransientError {
  readonly code = 'LOG_UNAVAILABLE';
}

describe('problem', () => {
  it('takes status and title from the catalogue and leaves out what is not given', () => {
    expect(problem({ code: 'IN_FLIGHT', requestId: 'r1' })).toEqual({
      type: 'urn:tickwire:problem:in-flight',
      title: 'The same request is being handled',
      status: 409,
      code: 'IN_FLIGHT',
      requestId: 'r1',
    });
  });

  it('does not let further members replace the standard ones', () => {
    const body = problem({ code: 'SCHEMA', extra: { status: 200, code: 'FINE', limit: 5 } });
    expect(body).toMatchObject({ status: 422, code: 'SCHEMA', limit: 5 });
  });

  it('keeps codes in upper snake case and statuses among the errors', () => {
    for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
      expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).not.toMatch(/\.$/);
    }
  });

  it('gives every status a code of that status, or of its class', () => {
    for (let status = 400; status < 600; status += 1) {
      expect(Math.floor(PROBLEMS[codeOfStatus(status)].status / 100)).toBe(Math.floor(status / 100));
    }
    expect(problemKind('toString')).toEqual({ status: 422, title: 'The request was refused' });
  });
});

describe('problemAnswer', () => {
  it('answers a domain error by its code, with its facts', () => {
    const { body, headers, unexpected } = problemAnswer(
      new SignalExpired({ ageMs: 400_000, toleranceMs: 300_000 }),
      'r1',
    );
    expect(body).toMatchObject({
      status: 401,
      code: 'STALE_TIMESTAMP',
      ageMs: 400_000,
      toleranceMs: 300_000,
      requestId: 'r1',
    });
    expect(headers).toEqual({ 'www-authenticate': 'Bearer' });
    expect(unexpected).toBe(false);
  });

  it('turns retryAfterMs into whole seconds, rounded up', () => {
    const { body, headers } = problemAnswer(new TooFast('slow down'), 'r1');
    expect(headers).toEqual({ 'retry-after': '2' });
    expect(body).toMatchObject({ status: 429, limit: 'account' });
    expect(body).not.toHaveProperty('retryAfterMs');
  });

  it('answers 422 for a rule of the account', () => {
    expect(problemAnswer(new RuleBroken('no'), 'r1').body).toMatchObject({ status: 422, code: 'RULE_DAILY_LOSS' });
  });

  it('carries the errors, headers and facts of a ProblemError', () => {
    const errors = [{ pointer: '/quantity', code: 'INVALID_QUANTITY', detail: 'must be above 0' }];
    const error = new ProblemError('SCHEMA', 'Two fields', { errors, headers: { Allow: 'GET' }, details: { seen: 2 } });
    expect(problemAnswer(error, 'r1')).toMatchObject({
      body: { status: 422, errors, seen: 2 },
      headers: { allow: 'GET' },
    });
  });

  it('asks to come again after a transient error, without its message', () => {
    const { body, headers } = problemAnswer(new LogDown('broker kafka-3.internal is down'), 'r1');
    expect(body).toMatchObject({ status: 503, code: 'LOG_UNAVAILABLE' });
    expect(headers).toEqual({ 'retry-after': '1' });
    expect(JSON.stringify(body)).not.toContain('kafka-3');
    expect(problemAnswer(new TransientError('x'), 'r1').body.code).toBe('UNAVAILABLE');
  });

  it.each([
    [404, 'NOT_FOUND', 'No such account', new NotFoundException('No such account')],
    [
      403,
      'TENANT_MISMATCH',
      'Other tenant',
      new ForbiddenException({ code: 'TENANT_MISMATCH', message: 'Other tenant' }),
    ],
    [418, 'BAD_REQUEST', 'I am a teapot', new HttpException('I am a teapot', 418)],
    [
      413,
      'BODY_TOO_LARGE',
      'Body too large',
      Object.assign(new Error('Body too large'), { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE' }),
    ],
  ])('keeps the status %i of the framework as %s', (status, code, detail, error) => {
    expect(problemAnswer(error, 'r1').body).toMatchObject({ status, code, detail });
  });

  it('lists the sentences of a validation pipe', () => {
    const { body } = problemAnswer(new UnprocessableEntityException(['name must be a string']), 'r1');
    expect(body.errors).toEqual([{ pointer: '', code: 'SCHEMA', detail: 'name must be a string' }]);
  });

  it.each([
    ['an error', new Error('password=hunter2')],
    ['an exception of the framework', new InternalServerErrorException('password=hunter2')],
    ['a text', 'hunter2'],
    ['nothing', undefined],
    ['an error with a foreign status', Object.assign(new Error('hunter2'), { statusCode: 404, code: 'ENOENT' })],
  ])('gives away nothing of %s that it does not know', (_, error) => {
    const { body, unexpected } = problemAnswer(error, 'r1');
    expect(body).toMatchObject({ status: 500, code: 'INTERNAL', requestId: 'r1' });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(unexpected).toBe(true);
  });
});
