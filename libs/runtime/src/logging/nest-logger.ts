import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

type Method = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Lets Nest and its `Logger` write through pino. An object as message gives the line's fields; `context` is the class that logs. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  /** Nest gives the stack, where there is one, before the context. */
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** By Nest's convention the last string is the context, a string with line breaks a stack, and all else more messages. */
  private write(method: Method, message: unknown, rest: unknown[]): void {
    const fields: Record<string, unknown> = {};
    const details: unknown[] = [];
    const more = rest.filter((item) => item !== undefined);
    if (typeof more.at(-1) === 'string' && !isStack(more.at(-1))) fields['context'] = more.pop();
    for (const item of more) {
      if (isStack(item)) fields['stack'] = item;
      else if (item instanceof Error) fields['err'] = item;
      else details.push(item);
    }
    if (details.length > 0) fields['details'] = details;
    if (message instanceof Error) this.logger[method]({ ...fields, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.logger[method]({ ...fields, ...message });
    else this.logger[method](fields, String(message));
  }
}

function isStack(item: unknown): boolean {
  return typeof item === 'string' && /\n\s+at /.test(item);
}
