import { ALLOWED_NODES, REFUSED_MEMBERS, REFUSED_NODES } from './allowed-nodes.js';

/** Nodes within one another. */
const MAX_DEPTH = 400;

/** The members of a node. */
export type NodeBody = Readonly<Record<string, unknown>>;

export interface QueryVisitor {
  /**
   * Is called for each node before those in it.
   *
   * @param ctes the names that WITH gives at this place
   */
  visit(kind: string, body: NodeBody, location: number, ctes: ReadonlySet<string>): void;
  refuse(problem: string, location: number): void;
}

/** Where the walk stands. */
interface Place {
  /** Of the innermost node that has one. */
  readonly location: number;
  readonly depth: number;
  readonly ctes: ReadonlySet<string>;
}

/** Visits all nodes of a query, and refuses what is not on the list of allowed nodes and members. */
export class QueryWalk {
  constructor(private readonly visitor: QueryVisitor) {}

  walk(query: unknown): void {
    this.visitNodes(query, { location: 0, depth: 0, ctes: new Set() });
  }

  /** A node with its kind around it, a list of such, or an empty object, by which the parser writes an omitted one. */
  private visitNodes(value: unknown, place: Place): void {
    if (Array.isArray(value)) {
      value.forEach((item) => this.visitNodes(item, place));
      return;
    }
    const entries = Object.entries(value as object);
    if (entries.length > 0) {
      const [kind, body] = entries[0]!;
      this.visitBody(kind, body as NodeBody, place);
    }
  }

  private visitBody(kind: string, body: NodeBody, outer: Place): void {
    const location = readLocation(body) ?? outer.location;
    const rules = Object.hasOwn(ALLOWED_NODES, kind) ? ALLOWED_NODES[kind] : undefined;
    if (rules === undefined) {
      this.visitor.refuse(REFUSED_NODES[kind] ?? `${toWords(kind)} is not allowed`, location);
      return;
    }
    if (outer.depth >= MAX_DEPTH) {
      this.visitor.refuse('The SQL text is nested too deeply', location);
      return;
    }
    this.visitor.visit(kind, body, location, outer.ctes);
    const place = { location, depth: outer.depth + 1, ctes: outer.ctes };
    const inner = body['withClause'] === undefined ? place : { ...place, ctes: this.visitWith(body, place) };
    for (const [member, value] of Object.entries(body)) {
      const rule = Object.hasOwn(rules, member) ? rules[member] : undefined;
      if (rule === undefined) {
        this.visitor.refuse(REFUSED_MEMBERS[member] ?? `${toWords(member)} is not allowed`, location);
      } else if (rule === 'nodes') {
        this.visitNodes(value, inner);
      } else if (rule !== 'value' && rule !== 'WithClause') {
        this.visitBody(rule, value as NodeBody, inner);
      }
    }
  }

  /**
   * A query of WITH sees the names before its own; with RECURSIVE all.
   *
   * @returns the names that the query with this WITH sees
   */
  private visitWith(query: NodeBody, place: Place): ReadonlySet<string> {
    const clause = query['withClause'] as NodeBody;
    const ctes = new Set(place.ctes);
    const items = (clause['ctes'] ?? []) as NodeBody[];
    const toName = (item: NodeBody): string => (item['CommonTableExpr'] as { ctename: string }).ctename;
    this.visitBody('WithClause', { ...clause, ctes: [] }, place);
    if (clause['recursive'] === true) {
      items.forEach((item) => ctes.add(toName(item)));
    }
    for (const item of items) {
      this.visitNodes(item, { ...place, ctes: new Set(ctes) });
      ctes.add(toName(item));
    }
    return ctes;
  }
}

const readLocation = ({ location }: NodeBody): number | undefined =>
  typeof location === 'number' && location >= 0 ? location : undefined;

/** `RangeTableSample` as `range table sample`. */
const toWords = (name: string): string =>
  name
    .replaceAll('_', ' ')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
