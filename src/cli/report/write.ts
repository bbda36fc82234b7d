import { writeFile } from 'node:fs/promises';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';

/** Writes a report, or what belongs to it, over what stood there. @throws StateError `report.not-written` */
export async function writeReport(path: string, content: string | Buffer): Promise<void> {
  try {
    await writeFile(path, content);
  } catch (error) {
    throw new StateError({
      kind: 'failed',
      code: 'report.not-written',
      what: `The report could not be written to ${path}`,
      why: errnoOf(error) === 'ENOENT' ? 'there is no such folder' : messageOf(error),
      next: 'name another file with --output',
      cause: error,
    });
  }
}
