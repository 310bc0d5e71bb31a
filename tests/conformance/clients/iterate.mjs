// An observable, read with `for await`.

export async function* iterate(subscribe) {
  const waiting = [];
  let wake = () => {};
  const put = (what) => (waiting.push(what), wake());
  const subscription = subscribe({
    next: (value) => put({ value }),
    error: (error) => put({ error }),
    complete: () => put({ end: true }),
  });
  try {
    for (;;) {
      while (waiting.length === 0) await new Promise((resolve) => (wake = resolve));
      const { value, error, end } = waiting.shift();
      if (error) throw error;
      if (end) return;
      yield value;
    }
  } finally {
    subscription.unsubscribe();
  }
}
