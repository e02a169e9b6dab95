import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow } from '../authentication/allow.js';
import type { Page } from '../listing/page.js';
import { DeadLetterPlace, DeadLettersQuery, Replay } from './dead-letter-requests.js';
import { DeadLetters, type DeadLetterDetail, type DeadLetterSummary, type Replayed } from './dead-letters.js';

@Controller('admin/dead-letters')
@Allow('admin')
export class DeadLettersController {
  constructor(@Inject(DeadLetters) private readonly deadLetters: DeadLetters) {}

  @Get()
  list(@Query() query: DeadLettersQuery): Promise<Page<DeadLetterSummary>> {
    return this.deadLetters.list(query);
  }

  @Get(':id')
  find(@Param('id') id: string, @Query() { topic }: DeadLetterPlace): Promise<DeadLetterDetail> {
    return this.deadLetters.find(id, topic);
  }

  /** 202: it is on the log again; what its group makes of it shows in the signal's status. */
  @Post(':id/replay')
  @HttpCode(202)
  replay(@Param('id') id: string, @Query() { topic }: DeadLetterPlace, @Body() { value }: Replay): Promise<Replayed> {
    return this.deadLetters.replay(id, topic, value);
  }
}
