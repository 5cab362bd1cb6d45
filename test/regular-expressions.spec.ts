import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyse } from 'scslre';
import ts from 'typescript';

const SOURCES = 'libs/prismiq/src';

interface Expression {
  place: string;
  source: string;
  flags: string;
}

/** All regular expressions of a file. In one that is built at run time, each inserted part counts as one character. */
function expressionsIn(file: string, code: string): Expression[] {
  const root = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);
  const found: Expression[] = [];
  const visit = (node: ts.Node): void => {
    const place = `${file}:${root.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push({ place, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
    }
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp') {
      const [pattern, flags] = node.arguments ?? [];
      found.push({
        place,
        source: pattern === undefined ? '' : getText(pattern),
        flags: flags !== undefined && ts.isStringLiteral(flags) ? flags.text : '',
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

function getText(pattern: ts.Expression): string {
  const template = ts.isTaggedTemplateExpression(pattern) ? pattern.template : pattern;
  return ts.isTemplateExpression(template)
    ? [template.head, ...template.templateSpans.map(({ literal }) => literal)].map((part) => part.text).join('x')
    : ts.isStringLiteralLike(template)
      ? template.text
      : 'x';
}

/** Adjacent or nested repetition that makes the time grow faster than the length of some texts. */
const superLinear = ({ source, flags }: Pick<Expression, 'source' | 'flags'>): string[] =>
  analyse({ source, flags }).reports.map(({ type }) => type);

describe('regular expressions', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const expressions = files.flatMap((file) => expressionsIn(file, readFileSync(join(SOURCES, file), 'utf8')));

  it.each([String.raw`\s*(?:a)?\s*(?:,|$)`, '(a+)+b', String.raw`[\s;]+$`, '(?:a|a)*b'])(
    '/%s/ is found out',
    (source) => {
      expect(superLinear({ source, flags: '' })).not.toEqual([]);
    },
  );

  it('of the package take time in proportion to their text', () => {
    expect(expressions.length).toBeGreaterThan(20);
    const slow = expressions.flatMap(({ place, source, flags }) =>
      superLinear({ source, flags }).map((type) => `${place} /${source}/${flags}: ${type}`),
    );
    expect(slow).toEqual([]);
  });
});
