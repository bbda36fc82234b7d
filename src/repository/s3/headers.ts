/** A header of a response as the SDK keeps it (also under `$response` of its errors). Names are in small letters. */
export function headerOf(response: unknown, name: string): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(headers, name)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The store's time when it answered, whole seconds. */
export function dateOf(response: unknown): Date | undefined {
  const time = new Date(headerOf(response, 'date') ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time;
}
