import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { User } from '../tenants/user.entity.js';
import type { TokenPayload } from './token-payload.js';

@Injectable()
export class AuthService {
  constructor(
    private readonly em: EntityManager,
    private readonly jwt: JwtService,
  ) {}

  /** Issues a token. This is a demo without passwords: a user's name is enough. */
  async logIn(tenant: string, name: string): Promise<string> {
    const user = await this.em.findOne(User, { tenant, name });
    if (user === null) {
      throw new UnauthorizedException('Unknown tenant or user');
    }
    const payload: TokenPayload = { tenant, sub: user.name, admin: user.isAdmin };
    return this.jwt.signAsync(payload);
  }
}
