import type { SettingType } from './types.js';

/** One setting, said once: the reader, the errors, `inventory show` and the reference all read this. */
export interface Setting<Value, Default extends Value | undefined = Value | undefined> {
  /** The variable of the inventory. */
  readonly name: string;
  /** Further names that mean the same. */
  readonly aliases: readonly string[];
  readonly type: SettingType<Value>;
  readonly default: Default;
  /** The default in words, where it is worked out or reads better so. */
  readonly defaultText?: string;
  readonly description: string;
  /** Variable of the environment that wins over the inventory. */
  readonly env?: string;
  readonly section:
    | 'Repository'
    | 'Retention'
    | 'Encryption'
    | 'Coolify'
    | 'Connection'
    | 'Unattended'
    | 'Drill'
    | 'Fleet';
}

export type Facts = Omit<Setting<unknown>, 'type' | 'default' | 'aliases'> & {
  readonly aliases?: readonly string[];
};

/** A setting that always has a value. */
export function required<Value>(
  type: SettingType<Value>,
  fallback: Value,
  facts: Facts,
): Setting<Value, Value> {
  return { aliases: [], ...facts, type, default: fallback };
}

/** A setting that may be left out. */
export function optional<Value>(type: SettingType<Value>, facts: Facts): Setting<Value> {
  return { aliases: [], ...facts, type, default: undefined };
}
