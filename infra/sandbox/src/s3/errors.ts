import { element } from './xml.ts';

/** A refusal as S3 words it: clients go by the code. */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const noSuchKey = (): S3Error => new S3Error('NoSuchKey', 404, 'The specified key does not exist.');
export const noSuchBucket = (): S3Error => new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist.');
export const noSuchUpload = (): S3Error =>
  new S3Error('NoSuchUpload', 404, 'The specified upload does not exist, or was aborted or completed.');
export const accessDenied = (message = 'Access Denied'): S3Error => new S3Error('AccessDenied', 403, message);
export const badDigest = (): S3Error =>
  new S3Error('BadDigest', 400, 'The checksum that was sent is not that of what was received.');
export const incompleteBody = (): S3Error =>
  new S3Error('IncompleteBody', 400, 'The body is not as long as its headers say.');
export const malformedXml = (): S3Error => new S3Error('MalformedXML', 400, 'The XML is not well-formed.');

/** The body of a refusal. */
export function errorXml({ code, message }: S3Error, resource: string, request_id: string): string {
  const fields = { Code: code, Message: message, Resource: resource, RequestId: request_id };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', fields)}`;
}
