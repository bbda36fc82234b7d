import { faultMatrix } from './fault-matrix.js';
import { startInProcessS3 } from './in-process-s3.js';

faultMatrix('an in-process S3', async () => ({
  ...(await startInProcessS3()),
  // It cannot abort uploads, nor tell their parts.
  stoodIn: ({ method, url }) => {
    if (!url.includes('uploadId=')) return undefined;
    if (method === 'DELETE') return { answer: 204 };
    return method === 'GET' ? { answer: 404, code: 'NoSuchUpload' } : undefined;
  },
}));
