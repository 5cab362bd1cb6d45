/** The key that signs tokens: `JWT_SECRET`, or a text that everybody can read here. */
export function jwtSecret(): string {
  const { JWT_SECRET: secret, NODE_ENV: environment } = process.env;
  if (!secret && environment === 'production') {
    throw new Error('JWT_SECRET is not set. Without it anybody could sign a token: set it to a long random text.');
  }
  return secret || 'development only, not a secret';
}
