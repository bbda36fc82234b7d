import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { abortable } from './client.js';
import { dateOf } from './headers.js';
import type { ListedPlace } from './listing.js';

/** The time by the `Date` header of an answer (whole seconds); by our own clock where a store sends none. */
export async function storeTime(
  client: S3Client,
  place: ListedPlace,
  signal: AbortSignal | undefined,
): Promise<Date> {
  const command = new ListObjectsV2Command({ ...place, MaxKeys: 1 });
  let time: Date | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      time = dateOf(result.response);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'readDate' },
  );
  await client.send(command, abortable(signal));
  return time ?? new Date();
}
