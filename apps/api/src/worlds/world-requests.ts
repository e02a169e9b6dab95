import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min, ValidateIf } from 'class-validator';

/** `POST /api/v1/admin/worlds`. */
export class NewWorld {
  @IsString() @Length(1, 128) name!: string;
  /** The same seed and the same input give the same world. Default: the world's id. */
  @IsOptional() @IsString() @Length(1, 128) seed?: string;
  @IsOptional() @IsInt() @Min(1) @Max(500) companies?: number;
  /** Wall time between ticks, ms, 10 and up; 0: stepped by command only. */
  @IsOptional() @IsInt() @Min(0) @Max(86_400_000) tickMs?: number;
  /** Groups that agents are spread over, fixed for ever. */
  @IsOptional() @IsInt() @Min(1) @Max(1_024) shards?: number;
}

export const OPERATOR_COMMANDS = ['paused', 'resumed', 'stepped', 'speed'] as const;

/** `POST /api/v1/admin/worlds/{id}/commands`. */
export class WorldCommand {
  @IsIn(OPERATOR_COMMANDS) command!: (typeof OPERATOR_COMMANDS)[number];
  /** `stepped`: ticks to close now. */
  @ValidateIf(({ command, ticks }: WorldCommand) => command === 'stepped' || ticks !== undefined)
  @IsInt()
  @Min(1)
  @Max(10_000)
  ticks?: number;
  /** `speed`: wall time between ticks, ms. */
  @ValidateIf(({ command, tickMs }: WorldCommand) => command === 'speed' || tickMs !== undefined)
  @IsInt()
  @Min(0)
  @Max(86_400_000)
  tickMs?: number;
}
