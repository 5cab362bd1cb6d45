import fc from 'fast-check';

/** Statements whose tables are named with a schema, without one, by WITH, or by an alias that looks like a table. */
const { tokens } = fc.letrec<Record<string, string[]>>((part) => {
  const sequence = (...parts: (string | fc.Arbitrary<string[]>)[]) =>
    fc
      .tuple(...parts.map((text) => (typeof text === 'string' ? fc.constant(text.split(' ')) : text)))
      .map((texts) => texts.flat());
  const maybe = (arbitrary: fc.Arbitrary<string[]>) => fc.oneof(fc.constant<string[]>([]), arbitrary);
  const table = fc.constantFrom('orders', 'prismiq_dashboards');
  const spelt = (name: fc.Arbitrary<string>) =>
    fc
      .tuple(
        name,
        fc.constantFrom(
          (text: string) => text,
          (text: string) => text.toUpperCase(),
          (text: string) => `"${text}"`,
        ),
      )
      .map(([text, spell]) => [spell(text)]);
  const name = spelt(table);
  const target = fc.oneof(
    { weight: 4, arbitrary: sequence(spelt(fc.constant('tenant_acme')), '.', name) },
    { weight: 1, arbitrary: name },
  );
  const alias = sequence(
    maybe(fc.constant(['AS'])),
    fc.oneof(
      name,
      fc.constantFrom('a', 'b', 'c', 'd', '"from"').map((text) => [text]),
    ),
  );
  const literal = fc.constantFrom(
    `'FROM orders'`,
    `'it''s -- orders'`,
    `E'\\' FROM orders'`,
    '$$ FROM orders $$',
    `$q$ ' $$ FROM orders $q$`,
    `U&'\\0027 FROM orders'`,
    'extract(year FROM now())',
    `trim(both from ' orders ')`,
    '(1 IS DISTINCT FROM 2)',
    '1.5e3',
  );
  return {
    item: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      sequence(target, alias),
      sequence(target, maybe(alias)),
      sequence('(', part('query'), ')', alias),
      sequence('LATERAL (', part('query'), ')', alias),
      sequence('(', part('item'), 'CROSS JOIN', part('item'), ')'),
    ),
    from: sequence(
      'FROM',
      part('item'),
      maybe(
        fc.oneof(
          { depthSize: 'small' },
          sequence(',', part('item')),
          sequence('LEFT JOIN', part('item'), 'ON ( true )'),
          sequence('CROSS JOIN', part('item'), ',', part('item')),
        ),
      ),
    ),
    with: sequence(
      fc.constantFrom(['WITH'], ['WITH', 'RECURSIVE']),
      name,
      fc.constantFrom(['AS'], ['(', 'x', ')', 'AS'], ['AS', 'NOT', 'MATERIALIZED'], ['AS', 'MATERIALIZED']),
      '(',
      part('query'),
      ')',
      maybe(sequence(', second AS (', part('query'), ')')),
    ),
    where: sequence('WHERE', fc.constantFrom(['EXISTS'], ['NOT', 'EXISTS'], ['1', '=']), '(', part('query'), ')'),
    query: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      literal.map((text) => ['SELECT', '1', 'AS', 'x', 'WHERE', text, 'IS', 'NOT', 'NULL']),
      sequence(maybe(part('with')), 'SELECT 1 AS x', part('from'), maybe(part('where'))),
      sequence('(', part('query'), ')', 'UNION ALL', '(', part('query'), ')'),
    ),
    tokens: fc.oneof(
      { weight: 5, arbitrary: part('query') },
      {
        weight: 1,
        arbitrary: sequence(
          maybe(part('with')),
          'INSERT INTO',
          target,
          '( name ) SELECT x',
          'FROM (',
          part('query'),
          ') s',
        ),
      },
      {
        weight: 1,
        arbitrary: sequence(
          maybe(part('with')),
          'UPDATE',
          target,
          `u SET name = 'orders'`,
          maybe(part('from')),
          maybe(part('where')),
        ),
      },
      { weight: 1, arbitrary: sequence('DELETE FROM', target, 'u USING', part('item'), maybe(part('where'))) },
    ),
  };
});

const space = fc.constantFrom(' ', '\n', '/* FROM orders /* " */ */', '-- FROM orders\n', '\t');

/** Such a statement, with white space and comments of all kinds between its words. */
export const statement = fc.tuple(tokens!, fc.infiniteStream(space)).map(([tokens, spaces]) => {
  const separators = spaces[Symbol.iterator]();
  return tokens.map((token) => token + separators.next().value).join('');
});
