import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { DomainError } from '@tickwire/errors';
import { problem, sendProblem } from '@tickwire/problem-details';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A replay that would do nothing: a signal is executed at most once, whatever becomes of its records. */
export class AlreadyFinal extends DomainError {
  readonly code = 'ALREADY_FINAL';

  constructor() {
    super(
      'This signal has had its final event: replaying it does nothing. To trade again, send it with a new signalId.',
    );
  }
}

/** A conflict with the present state, unlike the refusals of signals that other domain errors are. */
@Catch(AlreadyFinal)
export class AlreadyFinalFilter implements ExceptionFilter {
  catch({ code, message }: AlreadyFinal, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const requestId = String(http.getRequest<FastifyRequest>().id);
    const title = 'The signal has had its final event';
    const body = problem({ code, status: 409, title, detail: message, requestId });
    void sendProblem(http.getResponse<FastifyReply>(), { body, headers: {} });
  }
}
