import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { StateError } from '../../core/errors.js';
import { abortable } from './client.js';

export interface OpenedObject {
  readonly body: Readable;
  /** Bytes that `body` will give. */
  readonly length: number;
  readonly etag: string | undefined;
}

/**
 * The bytes of an object from `from` on, of the version `etag` where one is given. Throws what the SDK threw, or
 * `repository.not-supported` when the store does not say what it sends.
 */
export async function openObject(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  {
    from,
    etag,
    signal,
  }: { readonly from: number; readonly etag?: string | undefined; readonly signal: AbortSignal | undefined },
): Promise<OpenedObject> {
  const answer = await client.send(
    new GetObjectCommand({
      ...target,
      ...(from > 0 && { Range: `bytes=${from}-` }),
      ...(etag !== undefined && { IfMatch: etag }),
    }),
    abortable(signal),
  );
  const body = bodyOf(answer);
  const isWhole = from === 0 || answer.ContentRange?.startsWith(`bytes ${from}-`) === true;
  if (isWhole && answer.ContentLength !== undefined) {
    return { body, length: answer.ContentLength, etag: answer.ETag };
  }
  body.destroy();
  throw new StateError({
    kind: 'failed',
    code: 'repository.not-supported',
    what: `Could not read from byte ${from} in the bucket ${target.Bucket}`,
    why: 'the store does not say which part of the object it sends',
  });
}

function bodyOf({ Body }: GetObjectCommandOutput): Readable {
  if (Body instanceof Readable) return Body;
  throw new TypeError('the SDK returned a body that is not a Node stream');
}
