import type { Node } from 'libpg-query';

type KeyOf<T> = T extends unknown ? keyof T : never;
export type NodeKind = KeyOf<Node>;
export type NodeBody<Kind extends NodeKind> = Extract<Node, Record<Kind, unknown>>[Kind];

/** A value for each kind of node. */
export type ByKind<Result> = { readonly [Kind in NodeKind]?: (body: NodeBody<Kind>) => Result };

export const getKind = (node: Node): NodeKind => Object.keys(node)[0] as NodeKind;

export const getBody = (node: Node): object => Object.values(node)[0] as object;

/** Looks a node's kind up. */
export function byKind<Result>(table: ByKind<Result>, node: Node): Result | undefined {
  return (table[getKind(node)] as ((body: object) => Result) | undefined)?.(getBody(node));
}

/** A node is an object with its kind as its only key. */
export function asNode(value: object): Node | undefined {
  const keys = Object.keys(value);
  return keys.length === 1 && /^[A-Z]/.test(keys[0]!) ? (value as Node) : undefined;
}

/**
 * Visits a node and all nodes in it, and the objects that the grammar does not wrap as nodes.
 *
 * @param visit also gets the key of the object; if it returns `false`, the object is not entered
 */
export function walk(value: unknown, visit: (object: object, key: string) => unknown, key = ''): void {
  if (Array.isArray(value)) {
    value.forEach((item) => walk(item, visit, key));
  } else if (typeof value === 'object' && value !== null && visit(value, key) !== false) {
    Object.entries(value).forEach(([childKey, child]) => walk(child, visit, childKey));
  }
}

/** All nodes of a kind in a node, itself included. */
export function findNodes<Kind extends NodeKind>(kind: Kind, root: unknown): NodeBody<Kind>[] {
  const found: NodeBody<Kind>[] = [];
  walk(root, (object) => {
    if (kind in object) {
      found.push((object as Record<Kind, NodeBody<Kind>>)[kind]);
    }
  });
  return found;
}

/** The strings of a list, such as the parts of a name. */
export const toStrings = (nodes: readonly Node[] | undefined): string[] =>
  (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));

/** The argument of an option, such as `LANGUAGE sql` of a function. */
export const findOption = (options: readonly Node[] | undefined, name: string): Node | true | undefined => {
  for (const option of options ?? []) {
    if ('DefElem' in option && option.DefElem.defname === name) {
      return option.DefElem.arg ?? true;
    }
  }
  return undefined;
};
