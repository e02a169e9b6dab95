import { eventDefinitions } from '@tickwire/contracts';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { ListQuery } from '../listing/list-query.js';

const TOPICS = eventDefinitions().map((definition) => definition.topic);

export class DeadLettersQuery extends ListQuery {
  /** The source topic; absent: all of them. */
  @IsOptional() @IsIn(TOPICS) topic?: string;
}

/** Where to look for one letter: its topic, where it is known, spares a search through all of them. */
export class DeadLetterPlace {
  @IsOptional() @IsIn(TOPICS) topic?: string;
}

/** `POST /api/v1/admin/dead-letters/{id}/replay`. */
export class Replay {
  /** The mended event as JSON text; absent: as it was. */
  @IsOptional() @IsString() @Length(1, 60_000) value?: string | null;
}
