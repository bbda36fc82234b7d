import { StateError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { Evaluator, type Scope } from './evaluate.js';
import type { Piece, TemplateFault } from './expression.js';
import { parseExpression, parseTemplate } from './expression-parser.js';
import { typedResult } from './filters.js';
import type { Variables } from './graph.js';
import { nearestNames } from './nearest.js';
import type { Environment } from './paths.js';
import { faultAt, isSecretLine, type Place } from './place.js';
import { mayBeTemplate } from './template-lexer.js';
import { Float, type Node, type ScalarNode, Undefined, type Value } from './value.js';
import { isTrue } from './value-algebra.js';
import type { Vault } from './vault.js';

export interface ResolverOptions {
  readonly env: Environment;
  readonly cwd: string;
  readonly vault: Vault;
  /** Variables that no file sets: `inventory_hostname`, `groups` and the like. They win over files. */
  readonly magic: ReadonlyMap<string, () => Value>;
  readonly lookups?: boolean;
}

/**
 * The variables of one host, worked out when they are asked for and then kept. What stands in a file that nobody
 * asks for is never evaluated.
 */
export class Resolver {
  readonly #done = new Map<string, Value>();
  readonly #open: string[] = [];

  constructor(
    private readonly variables: Variables,
    private readonly options: ResolverOptions,
  ) {}

  /** The value of a variable; undefined when there is none of that name. */
  variable(name: string): Value | undefined {
    const done = this.#done.get(name);
    if (done !== undefined) return done;
    const magic = this.options.magic.get(name);
    if (magic !== undefined) return this.keep(name, magic());
    const variable = this.variables.get(name);
    if (variable === undefined) return undefined;
    if (this.#open.includes(name)) throw this.loop(name, variable.at);
    this.#open.push(name);
    try {
      return this.keep(name, this.node(variable.node));
    } finally {
      this.#open.pop();
    }
  }

  /** What a node comes to: templates rendered, vault values opened, at any depth. */
  node(node: Node): Value {
    switch (node.kind) {
      case 'vault':
        return this.options.vault.open(node.envelope, 'The vault value', node.at);
      case 'secret':
        return node.secret;
      case 'list':
        return node.items.map((item) => this.node(item));
      case 'map':
        return new Map([...node.entries.values()].map((entry) => [entry.key, this.node(entry.node)]));
      case 'scalar':
        return this.scalar(node);
    }
  }

  /** What a bare expression comes to, typed as the result of `{{ }}` is. */
  expression(text: string, at: Place): Value {
    const template = `{{${text}}}`;
    return this.render(this.pieces(template, at), at);
  }

  /** Whether a condition holds, as in `{% if %}`. */
  condition(text: string, at: Place): boolean {
    const expression = parseExpression(text);
    if ('code' in expression) throw templateFault(expression, at);
    return isTrue(new Evaluator(this.scope(at, text)).value(expression));
  }

  private keep(name: string, value: Value): Value {
    this.#done.set(name, value);
    return value;
  }

  private scalar({ value, unsafe, at }: ScalarNode): Value {
    if (typeof value !== 'string' || unsafe || !mayBeTemplate(value)) return value;
    const only = /^\{\{\s*(?:([\p{L}\p{N}_]+)\s*)?\}\}$/u.exec(value)?.[1];
    const direct = only === undefined ? undefined : this.direct(only);
    if (direct !== undefined) return direct;
    return this.render(this.pieces(value, at), at);
  }

  /** A template that is nothing but the name of a number, a boolean or of nothing keeps its type. */
  private direct(name: string): Value | undefined {
    if (this.options.magic.has(name)) return undefined;
    const node = this.variables.get(name)?.node;
    if (node?.kind !== 'scalar') return undefined;
    const { value } = node;
    return typeof value === 'string' ||
      (typeof value === 'object' && value !== null && !(value instanceof Float))
      ? undefined
      : value;
  }

  private pieces(text: string, at: Place): readonly Piece[] {
    const pieces = parseTemplate(text);
    if ('code' in pieces) throw templateFault(pieces, at);
    return pieces;
  }

  private render(pieces: readonly Piece[], at: Place): Value {
    let text = '';
    let secret = false;
    let plain = false;
    for (const piece of pieces) {
      if (piece.kind === 'text') {
        text += piece.text;
        continue;
      }
      const evaluator = new Evaluator(this.scope(at, piece.source));
      const value = evaluator.value(piece.expression);
      text += evaluator.output(value);
      secret ||= evaluator.sawSecret;
      plain = pieces.length === 1 && evaluator.isText(piece.expression);
    }
    if (secret) return new Secret(text);
    return plain ? text : typedResult(text);
  }

  private scope(at: Place, source: string): Scope {
    const { env, cwd, lookups = true } = this.options;
    return {
      env,
      cwd,
      lookups,
      variable: (name) => this.lazily(name),
      fault: (code, what) => templateFault({ code, what, source }, at),
      suggest: (name) => {
        const near = nearestNames(name, [...this.variables.keys(), ...this.options.magic.keys()], 2);
        return near.length === 0 ? '' : `; did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`;
      },
    };
  }

  /** A variable whose own template needs something undefined is undefined itself, until someone uses it. */
  private lazily(name: string): Value | undefined {
    try {
      return this.variable(name);
    } catch (thrown) {
      if (isUndefinedFault(thrown)) return new Undefined(() => thrown);
      throw thrown;
    }
  }

  private loop(name: string, at: Place): StateError {
    const chain = [...this.#open.slice(this.#open.indexOf(name)), name].join(' -> ');
    return faultAt(at, { code: 'template-loop', what: `The variable refers to itself: ${chain}` });
  }
}

function isUndefinedFault(thrown: unknown): thrown is StateError {
  return thrown instanceof StateError && thrown.code === 'inventory.undefined-variable';
}

/** The place of an expression: that of the value, or closer where the expression can be seen in the file's line. */
function templateFault({ code, what, source }: Fault, at: Place): StateError {
  const shown = isSecretLine(at) ? what : `${what}, in ${source}`;
  const first = source.split('\n')[0] ?? source;
  for (let line = at.line; line < at.line + 20; line++) {
    const column = at.source.line(line).indexOf(first, line === at.line ? at.column - 1 : 0);
    if (column >= 0) return faultAt({ ...at, line, column: column + 1 }, { code, what: shown });
  }
  return faultAt(at, { code, what: shown });
}

type Fault = Pick<TemplateFault, 'what' | 'source'> & { readonly code: string };
