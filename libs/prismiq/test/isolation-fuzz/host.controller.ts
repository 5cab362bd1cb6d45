import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Inject,
  Param,
  Post,
  Query,
  StreamableFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { TenantInterceptor } from '@prismiq/nestjs';
import { TokenGuard } from '../support/host.js';
import { Scenarios } from './scenarios.js';
import { World } from './world.js';

/** Routes of the host. */
@Controller('host')
@UseGuards(TokenGuard)
@UseInterceptors(TenantInterceptor)
export class HostController {
  constructor(
    @Inject(Scenarios) private readonly scenarios: Scenarios,
    @Inject(World) private readonly world: World,
  ) {}

  @Post('nested/:other')
  nested(@Param('other') other: string, @Query('fails') fails: string) {
    return this.scenarios.nested(this.world.tenant(other), fails === 'true');
  }

  @Post('transaction/:other')
  transaction(@Param('other') other: string, @Query('fails') fails: string) {
    return this.scenarios.transaction(this.world.tenant(other), fails === 'true');
  }

  @Post('throw')
  throw() {
    return this.scenarios.writeAndThrow();
  }

  @Get('stream')
  stream() {
    return new StreamableFile(Readable.from(this.scenarios.read()));
  }
}
