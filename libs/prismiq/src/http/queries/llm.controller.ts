import { BadRequestException, Get, HttpCode, Post } from '@nestjs/common';
import { CacheControl, NO_STORE } from '../cache-control.js';

/** Tells Prismiq's client that there is no language model (query contract 1.7). @publicApi */
@CacheControl(NO_STORE)
export abstract class PrismiqLlmController {
  @Get('status')
  status() {
    return { enabled: false };
  }

  @Post('chat')
  @HttpCode(200)
  chat(): never {
    throw new BadRequestException('LLM agent is not enabled');
  }
}
