import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, Length } from 'class-validator';

/** `POST /api/v1/bots`. */
export class NewBot {
  @IsString() @Length(1, 128) name!: string;
  /** Accounts it may trade on; null or absent: every account of the tenant. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  accountIds?: string[] | null;
}

/** `PATCH /api/v1/bots/{id}`: what is absent stays. */
export class BotChange {
  @IsOptional() @IsString() @Length(1, 128) name?: string;
  @IsOptional() @IsIn(['active', 'disabled']) status?: 'active' | 'disabled';
  /** null: every account of the tenant. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  accountIds?: string[] | null;
}
