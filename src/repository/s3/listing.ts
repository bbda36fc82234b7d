import {
  type _Object,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type MultipartUpload,
  type S3Client,
} from '@aws-sdk/client-s3';
import { abortable } from './client.js';

/** Where to look: the beginning of whole keys in a bucket. */
export interface ListedPlace {
  readonly Bucket: string;
  readonly Prefix: string;
}

/** All objects, page after page of 1,000. Throws what the SDK threw. */
export async function* listedObjects(
  client: S3Client,
  place: ListedPlace,
  signal: AbortSignal | undefined,
): AsyncGenerator<_Object> {
  let from: { readonly ContinuationToken: string } | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ ...place, ...from }), abortable(signal));
    yield* page.Contents ?? [];
    const { IsTruncated, NextContinuationToken } = page;
    from =
      IsTruncated === true && NextContinuationToken !== undefined
        ? { ContinuationToken: NextContinuationToken }
        : undefined;
  } while (from !== undefined);
}

/** All multipart uploads that were begun and neither completed nor aborted. */
export async function* openUploads(
  client: S3Client,
  place: ListedPlace,
  signal: AbortSignal | undefined,
): AsyncGenerator<MultipartUpload> {
  let from: { readonly KeyMarker: string; readonly UploadIdMarker: string } | undefined;
  do {
    const page = await client.send(new ListMultipartUploadsCommand({ ...place, ...from }), abortable(signal));
    yield* page.Uploads ?? [];
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    from =
      IsTruncated === true && NextKeyMarker !== undefined
        ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker ?? '' }
        : undefined;
  } while (from !== undefined);
}
