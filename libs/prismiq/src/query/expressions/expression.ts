/** The tree of a calculated field's expression, as it is written; no name has been looked up. */
export type Expression =
  | { readonly type: 'number'; readonly text: string }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'field'; readonly name: string }
  /** `[field].concatenate()`. */
  | { readonly type: 'orEmpty'; readonly operand: Expression }
  | { readonly type: 'negation'; readonly operand: Expression }
  | {
      readonly type: 'arithmetic';
      readonly operator: '+' | '-' | '*' | '/';
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly type: 'call'; readonly name: string; readonly parameters: readonly Expression[] };

export type ComparisonOperator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte';
