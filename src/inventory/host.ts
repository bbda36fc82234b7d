import { StateError } from '../core/errors.js';
import type { HostEntry, Variables } from './graph.js';
import { groupNames } from './magic-variables.js';
import { type Origin, originOf } from './place.js';
import type { Resolver } from './resolver.js';
import type { LazyMap } from './value.js';
import { plainData } from './value-algebra.js';

/** A host as tasks see it. */
export interface Host {
  readonly name: string;
  /** Names of its groups, sorted, without `all`. */
  readonly groups: readonly string[];
  /**
   * The value of a variable: plain data; text that a vault or a vaulted variable went into is a `Secret`.
   * Undefined when no file sets it. Templates are worked out now, and not before.
   * @throws StateError with file, line and column
   */
  variable(name: string): unknown;
  /** Where the value comes from: the file that won. Undefined for unknown names and for Ansible's own. */
  origin(name: string): Origin | undefined;
  /** Names of all variables that files set for it, sorted. */
  variableNames(): string[];
  /** All its variables. @throws StateError when one of them cannot be worked out */
  variables(): Record<string, unknown>;
  /** Absolute folder of the source that named it first; undefined for a list of hosts. */
  readonly inventoryDir: string | undefined;
}

/** A host of a loaded inventory: its variables are merged, and worked out, when first asked for. */
export class LoadedHost implements Host {
  readonly name: string;
  readonly inventoryDir: string | undefined;
  #variables: Variables | undefined;
  #resolver: Resolver | undefined;

  constructor(
    private readonly entry: HostEntry,
    private readonly collect: () => Variables,
    private readonly makeResolver: (variables: Variables) => Resolver,
  ) {
    this.name = entry.name;
    this.inventoryDir = entry.dir;
  }

  get groups(): readonly string[] {
    return groupNames(this.entry);
  }

  variable(name: string): unknown {
    try {
      const value = this.resolver().variable(name);
      return value === undefined ? undefined : plainData(value);
    } catch (thrown) {
      throw thrown instanceof StateError ? thrown.onHost(this.name) : thrown;
    }
  }

  origin(name: string): Origin | undefined {
    const at = this.raw().get(name)?.at;
    return at === undefined ? undefined : originOf(at);
  }

  variableNames(): string[] {
    return [...this.raw().keys()].sort();
  }

  variables(): Record<string, unknown> {
    return Object.fromEntries(this.variableNames().map((name) => [name, this.variable(name)]));
  }

  /** The host as a member of `hostvars`. */
  asValue(): LazyMap {
    return { lazy: true, keys: () => this.variableNames(), get: (name) => this.resolver().variable(name) };
  }

  private raw(): Variables {
    this.#variables ??= this.collect();
    return this.#variables;
  }

  private resolver(): Resolver {
    this.#resolver ??= this.makeResolver(this.raw());
    return this.#resolver;
  }
}
