import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_JSON } from './problem.js';
import type { ProblemAnswer } from './problem-answer.js';
import { problemAnswer } from './problem-answer.js';

/** Global filter of the HTTP apps: every error, ours or the framework's, becomes `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const answer = problemAnswer(error, String(request.id));
    if (answer.unexpected) {
      // An error's stack holds its message; what is not an error says at least what it is.
      const stack = error instanceof Error ? error.stack : String(error);
      this.logger.error({
        msg: 'Unexpected error',
        requestId: request.id,
        method: request.method,
        route: request.routeOptions?.url,
        stack,
      });
    }
    if (reply.sent || reply.raw.headersSent) {
      // A stream broke off in the middle: the status is out, only the connection can still tell.
      reply.raw.destroy();
      return;
    }
    void sendProblem(reply, answer);
  }
}

/** Sends the answer; for hooks and handlers that the filter does not cover. */
export function sendProblem(reply: FastifyReply, answer: Pick<ProblemAnswer, 'body' | 'headers'>): FastifyReply {
  return reply
    .code(answer.body.status)
    .headers(answer.headers)
    .type(PROBLEM_JSON)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(answer.body);
}
