import { Description } from '@tickwire/config';
import { HostConfig } from '@tickwire/runtime';
import { IsIn, IsInt, Max, Min } from 'class-validator';

export class ExecutionConfig extends HostConfig {
  @Description('What this process runs: accounts, worlds, or both')
  @IsIn(['accounts', 'worlds', 'both'])
  ROLE: string = 'both';

  @Description("Ticks between a world's snapshots; recovery replays at most so many")
  @IsInt()
  @Min(1)
  @Max(100_000)
  SNAPSHOT_EVERY_TICKS: number = 100;

  @Description(
    'How often what waits for worlds that stand still is stored, ms; far below the retention of their topics',
  )
  @IsInt()
  @Min(10)
  @Max(86_400_000)
  STORE_WAITING_MS: number = 600_000;
}
