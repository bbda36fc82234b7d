import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { abortable } from './s3-client.js';
import { dateOf } from './s3-headers.js';
import type { ListedPlace } from './s3-listing.js';

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
