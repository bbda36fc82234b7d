/** An expression between `{{` and `}}`, parsed. `offset` is where it begins in the template's text. */
export type Expression =
  | {
      readonly kind: 'literal';
      readonly value: null | boolean | number | bigint | string | { float: number };
    }
  | { readonly kind: 'name'; readonly name: string; readonly offset: number }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly of: Expression; readonly key: Expression }
  | { readonly kind: 'slice'; readonly of: Expression; readonly from?: Expression; readonly to?: Expression }
  | { readonly kind: 'call'; readonly of: Expression; readonly call: Arguments; readonly offset: number }
  | {
      readonly kind: 'filter';
      readonly of: Expression;
      readonly name: string;
      readonly call: Arguments;
      readonly offset: number;
    }
  | {
      readonly kind: 'test';
      readonly of: Expression;
      readonly name: string;
      readonly call: Arguments;
      readonly not: boolean;
      readonly offset: number;
    }
  | { readonly kind: 'unary'; readonly operator: 'not' | '-' | '+'; readonly of: Expression }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'compare'; readonly first: Expression; readonly rest: readonly Comparison[] }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-' | '*' | '/' | '//' | '%' | '**';
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'if';
      readonly condition: Expression;
      readonly yes: Expression;
      readonly otherwise?: Expression;
    };

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: ReadonlyMap<string, Expression>;
}

export interface Comparison {
  readonly operator: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';
  readonly right: Expression;
}

/** A piece of a template: text that stands for itself, or an expression. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly source: string };

/** Why a template cannot be read. Turned into an error with a place by the one who knows the place. */
export interface TemplateFault {
  readonly code: 'template-syntax' | 'template-unsupported';
  readonly what: string;
  /** The expression, as it is written. */
  readonly source: string;
}
