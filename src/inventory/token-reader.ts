import type { Token } from './template-lexer.js';

/** Why an expression cannot be read. The parser turns it into a fault with the expression's text. */
export class Misread extends Error {}

/** Goes over the tokens of an expression, one after the other. */
export class TokenReader {
  protected at = 0;

  constructor(protected readonly tokens: readonly Token[]) {}

  protected until<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.takes(close)) {
      if (items.length > 0) {
        this.expect(',');
        if (this.takes(close)) break;
      }
      items.push(item());
    }
    return items;
  }

  protected peek(): Token {
    return this.tokens[this.at] ?? { kind: 'end', text: '', offset: 0 };
  }

  protected sees(operator: string): boolean {
    const token = this.peek();
    return token.kind === 'operator' && token.text === operator;
  }

  protected takes(operator: string): boolean {
    if (!this.sees(operator)) return false;
    this.at++;
    return true;
  }

  protected seesName(name: string): boolean {
    const token = this.peek();
    return token.kind === 'name' && token.text === name;
  }

  protected takesName(name: string): boolean {
    if (!this.seesName(name)) return false;
    this.at++;
    return true;
  }

  protected expect(operator: string): void {
    if (!this.takes(operator)) throw new Misread(`"${operator}" is missing before ${this.shown()}`);
  }

  protected unexpected(): Misread {
    return new Misread(`${this.shown()} does not belong there`.replace(/^the/, 'The'));
  }

  protected shown(): string {
    const token = this.peek();
    return token.kind === 'end' ? 'the end' : `"${token.text}"`;
  }
}
