import type { Node, ObjectType, RangeVar } from 'libpg-query';
import { asNode, getBody, getKind, toStrings, walk, type NodeBody, type NodeKind } from './tree.js';
import type { Code } from './code.js';
import { unknownFunction } from './function-calls.js';

/** A table, or what shares its names: an index, a view, a sequence, a composite type. */
export interface RelationName {
  /** As PostgreSQL folds it. `undefined`: it is found along `search_path`. */
  readonly schema: string | undefined;
  readonly name: string;
}

/** What a statement does with a relation that it names. */
export interface Relation extends RelationName {
  readonly role: 'read' | 'written' | 'created' | 'altered' | 'dropped';
  /** An index, by its own name; its table is listed separately. */
  readonly isIndex: boolean;
  /** Whether it is in the body of a function that the statement only defines. */
  readonly isInBody: boolean;
}

type Role = Relation['role'];

/** What a node does with the relation under a key of it, where it does not only read. */
const ROLES = new Map<string, Role>(
  (
    [
      ['created', 'CreateStmt.relation ViewStmt.view CreateSeqStmt.sequence CompositeTypeStmt.typevar IntoClause.rel'],
      ['written', 'InsertStmt.relation UpdateStmt.relation DeleteStmt.relation MergeStmt.relation'],
      ['written', 'TruncateStmt.relations RefreshMatViewStmt.relation CopyStmt.target'],
      ['altered', 'AlterTableStmt.relation RenameStmt.relation AlterObjectSchemaStmt.relation IndexStmt.relation'],
      ['altered', 'AlterObjectDependsStmt.relation AlterOwnerStmt.relation AlterSeqStmt.sequence PartitionCmd.name'],
      ['altered', 'CreateTrigStmt.relation RuleStmt.relation CreatePolicyStmt.table AlterPolicyStmt.table'],
      ['altered', 'GrantStmt.objects ReindexStmt.relation ClusterStmt.relation'],
    ] as const
  ).flatMap(([role, places]) => places.split(' ').map((place) => [place, role] as const)),
);

/** Objects that the grammar does not wrap as nodes, by their key. */
const UNWRAPPED: Readonly<Record<string, NodeKind>> = {
  base: 'CreateStmt',
  into: 'IntoClause',
  intoClause: 'IntoClause',
};

const RELATION_TYPES: readonly (ObjectType | undefined)[] = [
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_INDEX',
];
/** Named behind their relation: `trigger ON table`, `table.column`. */
const PART_TYPES: readonly (ObjectType | undefined)[] = [
  'OBJECT_COLUMN',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
];

/** The relations that a statement names, in its own text and in the bodies in it, without those that WITH names. */
export function readRelations({ executed, defined }: Code): Relation[] {
  const finder = new RelationFinder();
  executed.forEach((node) => finder.find(node, false));
  defined.forEach((node) => finder.find(node, true));
  return finder.found;
}

/** Whether a statement may change relations that it does not name. */
export const reachesFurther = ({ executed, runsUnreadable }: Code): boolean =>
  runsUnreadable ||
  executed.some(
    (node) =>
      'DropOwnedStmt' in node ||
      'AlterExtensionStmt' in node ||
      ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_SCHEMA') ||
      unknownFunction(node) !== undefined ||
      cascades(node),
  );

function cascades(node: Node): boolean {
  let found = false;
  walk(node, (object) => {
    found ||= 'behavior' in object && object.behavior === 'DROP_CASCADE';
  });
  return found;
}

/** The position of the search. */
interface Place {
  readonly kind: NodeKind | undefined;
  readonly key: string;
  /** The names that WITH gives here. */
  readonly ctes: ReadonlySet<string>;
  readonly isInBody: boolean;
  readonly isIndex: boolean;
}

class RelationFinder {
  readonly found: Relation[] = [];

  find(node: Node, isInBody: boolean): void {
    this.visit(node, { kind: undefined, key: '', ctes: new Set(), isInBody, isIndex: false });
  }

  private visit(value: unknown, place: Place): void {
    if (Array.isArray(value)) {
      value.forEach((item) => this.visit(item, place));
    } else if (typeof value === 'object' && value !== null) {
      const node = asNode(value);
      const body = node === undefined ? value : getBody(node);
      if ('relname' in body) {
        this.addRangeVar(body as RangeVar, place);
      } else if (!('lockedRels' in body)) {
        this.visitBody(body, node === undefined ? UNWRAPPED[place.key] : getKind(node), place);
      }
    }
  }

  private visitBody(body: object, kind: NodeKind | undefined, place: Place): void {
    this.addNamedByStrings(body, kind, place);
    const isIndex = isIndexCommand(body) || (place.isIndex && (kind === 'AlterTableCmd' || kind === 'PartitionCmd'));
    const ctes = 'withClause' in body ? this.visitWith(body.withClause as NodeBody<'WithClause'>, place) : place.ctes;
    for (const [key, child] of Object.entries(body)) {
      if (key !== 'withClause') {
        // COPY … FROM
        const use = 'is_from' in body && key === 'relation' ? 'target' : key;
        this.visit(child, { kind, key: use, ctes, isIndex, isInBody: place.isInBody || key === 'sql_body' });
      }
    }
  }

  /** A query of WITH sees those before it; with RECURSIVE all. */
  private visitWith({ ctes = [], recursive = false }: NodeBody<'WithClause'>, place: Place): ReadonlySet<string> {
    const names = new Set(place.ctes);
    const queries = ctes.flatMap((node) => ('CommonTableExpr' in node ? [node.CommonTableExpr] : []));
    if (recursive) {
      queries.forEach(({ ctename }) => names.add(ctename!));
    }
    for (const { ctename, ctequery } of queries) {
      this.visit(ctequery, { ...place, key: 'ctequery', ctes: new Set(names) });
      names.add(ctename!);
    }
    return names;
  }

  private addRangeVar({ schemaname: schema, relname }: RangeVar, { kind, key, ctes, isInBody, isIndex }: Place): void {
    const role = ROLES.get(`${kind}.${key}`) ?? 'read';
    if (role !== 'read' || schema !== undefined || !ctes.has(relname!)) {
      this.found.push({ schema, name: relname!, role, isIndex, isInBody });
    }
  }

  /** Relations that are not named by a RangeVar. */
  private addNamedByStrings(body: object, kind: NodeKind | undefined, { isInBody }: Place): void {
    const add = (parts: readonly string[], role: Role, isIndex = false): void => {
      const name = parts.at(-1);
      if (name !== undefined) {
        this.found.push({ schema: parts.at(-2), name, role, isIndex, isInBody });
      }
    };
    const addObject = (object: Node | undefined, type: ObjectType | undefined, role: Role): void => {
      const parts = object !== undefined && 'List' in object ? toStrings(object.List.items) : [];
      if (RELATION_TYPES.includes(type)) {
        add(parts, role, type === 'OBJECT_INDEX');
      } else if (PART_TYPES.includes(type)) {
        add(parts.slice(0, -1), 'altered');
      }
    };
    if (kind === 'IndexStmt') {
      // An index is always in the schema of its table.
      const { relation, idxname } = body as NodeBody<'IndexStmt'>;
      if (idxname !== undefined) {
        this.found.push({ schema: relation?.schemaname, name: idxname, role: 'created', isIndex: true, isInBody });
      }
    } else if (kind === 'RenameStmt') {
      const { relation, renameType, newname } = body as NodeBody<'RenameStmt'>;
      if (RELATION_TYPES.includes(renameType)) {
        this.found.push({
          schema: relation?.schemaname,
          name: newname!,
          role: 'created',
          isIndex: renameType === 'OBJECT_INDEX',
          isInBody,
        });
      }
    } else if (kind === 'DropStmt') {
      const { objects, removeType } = body as NodeBody<'DropStmt'>;
      objects?.forEach((object) => addObject(object, removeType, 'dropped'));
    } else if (kind === 'CommentStmt' || kind === 'SecLabelStmt' || kind === 'AlterExtensionContentsStmt') {
      const { object, objtype } = body as NodeBody<'CommentStmt'>;
      addObject(object, objtype, 'altered');
    } else if (kind === 'DefElem') {
      const { defname, arg } = body as NodeBody<'DefElem'>;
      if (defname === 'owned_by') {
        addObject(arg, 'OBJECT_COLUMN', 'altered');
      }
    }
  }
}

const isIndexCommand = (body: object): boolean =>
  ['objtype', 'renameType', 'objectType', 'kind'].some((key) =>
    ['OBJECT_INDEX', 'REINDEX_OBJECT_INDEX'].includes((body as Record<string, unknown>)[key] as string),
  );
