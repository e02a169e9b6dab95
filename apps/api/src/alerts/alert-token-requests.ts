import { IsObject, IsOptional, IsString, Length } from 'class-validator';

/** `POST /api/v1/alert-tokens`. */
export class NewAlertToken {
  /** Whose alerts these are. */
  @IsString() @Length(1, 64) botId!: string;
  /** The one account that they trade on; our id. */
  @IsString() @Length(1, 64) accountId!: string;
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  /** What the sender's symbols are called here: `{"CME_MINI:ES1!": "ESZ6"}`. */
  @IsOptional() @IsObject() symbolMap?: Record<string, unknown>;
}

/** `PATCH /api/v1/alert-tokens/{id}`: what is absent stays. */
export class AlertTokenChange {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  /** The whole map anew. */
  @IsOptional() @IsObject() symbolMap?: Record<string, unknown>;
}
