import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, Length } from 'class-validator';
import { CALLBACK_TYPES } from '../projection/lifecycle-types.js';

/** `POST /api/v1/webhook-endpoints`. */
export class NewEndpoint {
  @IsString() @Length(1, 2_048) url!: string;
  /** Types it wants; empty or absent: all lifecycle events. */
  @IsOptional() @IsArray() @ArrayMaxSize(20) @ArrayUnique() @IsIn(CALLBACK_TYPES, { each: true }) events?: string[];
  @IsOptional() @IsString() @Length(0, 256) description?: string;
}

/** `PATCH /api/v1/webhook-endpoints/{id}`: what is absent stays. */
export class EndpointChange {
  @IsOptional() @IsString() @Length(1, 2_048) url?: string;
  @IsOptional() @IsArray() @ArrayMaxSize(20) @ArrayUnique() @IsIn(CALLBACK_TYPES, { each: true }) events?: string[];
  @IsOptional() @IsString() @Length(0, 256) description?: string;
  @IsOptional() @IsIn(['active', 'disabled']) status?: 'active' | 'disabled';
}
