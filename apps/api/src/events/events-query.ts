import { UUID } from '@tickwire/contracts';
import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { ListQuery } from '../listing/list-query.js';
import { LIFECYCLE_TYPES } from '../projection/lifecycle-types.js';

export class EventsQuery extends ListQuery {
  @IsOptional() @IsIn(LIFECYCLE_TYPES) type?: string;
  @IsOptional() @IsString() @Length(1, 128) accountId?: string;
  @IsOptional() @Matches(UUID) webhookId?: string;
}
