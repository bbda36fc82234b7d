/** Several hosts share one terminal: the next is asked about when the last was answered. */
export function oneAtATime<Value, Result>(
  ask: (value: Value) => Promise<Result>,
): (value: Value) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (value) => {
    const answer = last.then(() => ask(value));
    last = answer.catch(() => undefined);
    return answer;
  };
}
