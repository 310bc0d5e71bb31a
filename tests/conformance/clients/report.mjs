// What a program is given, and what it reports: one line of JSON for each check.

export const given = JSON.parse(process.argv[2]);
export const signedIn = { authorization: `Bearer ${given.token}` };

const DEADLINE = 10_000;

export async function within(promise, milliseconds = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function report(name, ok, message = "") {
  process.stdout.write(`${JSON.stringify({ name, ok, message })}\n`);
}

export async function check(name, body) {
  try {
    await within(body());
    report(name, true);
  } catch (error) {
    report(name, false, error?.stack ?? JSON.stringify(error));
  }
}

/** Clients keep sockets and timers; a program ends when its last check has been told. */
export function done() {
  process.stdout.write("", () => process.exit(0));
}
