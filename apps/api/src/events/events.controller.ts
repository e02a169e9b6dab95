import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { Allow, TenantId } from '../authentication/allow.js';
import { EventsQuery } from './events-query.js';
import { Events } from './events.js';

@Controller('events')
export class EventsController {
  constructor(@Inject(Events) private readonly events: Events) {}

  @Get()
  @Allow('read')
  @Header('content-type', 'application/json; charset=utf-8')
  list(@TenantId() tenantId: string, @Query() query: EventsQuery): Promise<string> {
    return this.events.page(tenantId, query);
  }
}
