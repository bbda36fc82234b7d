/** What a run tells while it works. One stream of these feeds the live view, plain lines and `--json`. */

export type TaskStatus = 'ok' | 'changed' | 'skipped' | 'failed' | 'unreachable';

/** How a task ended. */
export interface TaskOutcome {
  readonly task: string;
  readonly status: TaskStatus;
  readonly milliseconds: number;
  /** One clause: what was done, or why not. */
  readonly note?: string;
  readonly bytes?: number;
  /** Lines of a difference, secrets already redacted. */
  readonly diff?: readonly string[];
}

/** How far a task is: so much is done of about so much in all, in one unit. */
export interface TaskProgress {
  readonly done: number;
  readonly total: number;
}

export type EngineEvent =
  | { readonly type: 'host-start'; readonly host: string }
  | { readonly type: 'task-start'; readonly host: string; readonly task: string }
  | {
      readonly type: 'task-progress';
      readonly host: string;
      readonly task: string;
      /** Bytes moved so far by this task. */
      readonly bytes?: number;
      readonly progress?: TaskProgress;
      /** The last thing that was said. Untrusted text. */
      readonly line?: string;
      /** How a connection comes about, step by step. Untrusted text. */
      readonly trace?: string;
    }
  | ({ readonly type: 'task-end'; readonly host: string } & TaskOutcome)
  | { readonly type: 'warning'; readonly host: string; readonly message: string }
  | { readonly type: 'host-end'; readonly host: string; readonly recap: Recap };

/** How many tasks of a host ended in which way. */
export type Recap = Readonly<Record<TaskStatus, number>>;

export type EventSink = (event: EngineEvent) => void;
