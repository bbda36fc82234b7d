import { StateError } from '../../core/errors.js';
import type { Inspection, TaskReporter } from '../../engine/task.js';
import { containerState, startContainer, waitUntilDatabaseAnswers } from '../containers.js';
import type { Target } from '../restore/target.js';
import { DatabaseSession } from './session.js';
import { databasesLike, dated, FORMER_PREFIX, liveAccess, markOfLive, swap, UNDONE_PREFIX } from './swap.js';

/**
 * Takes the replaced database back: by rename where this restore had swapped in its own, otherwise the live one was never
 * touched. What a run that died was loading goes.
 */
export async function inspectFormerDatabase(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const { signal } = reporter;
  if ((await containerState(target.connection, target.layout.databaseContainer, signal)) !== 'running')
    return { summary: 'start the database and put the former one back in place, if it was replaced' };
  const former = await replacedDatabase(target, signal);
  if (former !== undefined) return { summary: `put ${former} back in place by rename` };
  target.databaseDifferences = [];
  return { unchanged: 'it was not replaced' };
}

export async function applyFormerDatabase(target: Target, reporter: TaskReporter): Promise<string> {
  const { signal } = reporter;
  const { connection, layout } = target;
  if ((await containerState(connection, layout.databaseContainer, signal)) !== 'running')
    await startContainer(connection, layout.databaseContainer, signal);
  const access = await liveAccess(target, signal);
  await waitUntilDatabaseAnswers(connection, { ...access, database: 'postgres' }, signal);
  const former = await replacedDatabase(target, signal);
  if (former === undefined && (await isReplacedForGood(target, signal))) throw gone();
  target.databaseDifferences = [];
  if (former === undefined) return 'it was not replaced';
  await using session = await DatabaseSession.open(connection, { ...access, database: 'postgres' }, signal);
  await swap(session, { live: access.database, next: former, aside: dated(UNDONE_PREFIX) });
  return `${former} is in its place again`;
}

/** What was not known before, because the database did not run. */
function gone(): StateError {
  return new StateError({
    kind: 'failed',
    code: 'rollback.former-gone',
    what: 'The database that the restore replaced is gone already',
    why: 'the restore broke off after it had dropped it, and the database did not run when this rollback began',
    next: 'run the same command again: it goes back to the safety generation',
  });
}

/**
 * The database that was replaced, if one was: then the live one bears the mark of a restore. Of several that broke off one
 * after the other the first replaced it.
 */
async function replacedDatabase(target: Target, signal: AbortSignal): Promise<string | undefined> {
  const mark = await markOfLive(target, signal);
  if (!mark.startsWith('coolify-state ')) return undefined;
  return (await databasesLike(target, FORMER_PREFIX, signal))[0];
}

/** Whether the live database was restored and the one that it replaced is gone already: there is no way back by rename. */
export async function isReplacedForGood(target: Target, signal: AbortSignal): Promise<boolean> {
  if ((await containerState(target.connection, target.layout.databaseContainer, signal)) !== 'running')
    return false;
  const mark = await markOfLive(target, signal);
  return (
    mark.startsWith('coolify-state ') && (await databasesLike(target, FORMER_PREFIX, signal)).length === 0
  );
}
