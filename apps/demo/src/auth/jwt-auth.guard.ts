import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { AuthenticatedRequest } from './identity.js';
import { IS_PUBLIC } from './public.decorator.js';
import type { TokenPayload } from './token-payload.js';

/** Guards every route of the application, those of Prismiq included, and puts the user on the request. */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly jwt: JwtService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])) {
      return true;
    }
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const [, token] = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) {
      throw new UnauthorizedException('Send the token that POST /login gives: "Authorization: Bearer <token>"');
    }
    const { tenant, sub, admin } = await this.verify(token);
    request.user = { tenantId: tenant, userId: sub, isAdmin: admin };
    return true;
  }

  private async verify(token: string): Promise<TokenPayload> {
    try {
      return await this.jwt.verifyAsync<TokenPayload>(token);
    } catch {
      throw new UnauthorizedException('The token is not valid, or no longer: log in again');
    }
  }
}
