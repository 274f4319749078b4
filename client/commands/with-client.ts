import { Touchstone } from "../touchstone.js";

/** Connects for the time of some work. @throws TouchstoneError ServiceUnavailable */
export async function withClient<T>(work: (touchstone: Touchstone) => Promise<T>): Promise<T> {
  const touchstone = await Touchstone.connect();
  try {
    return await work(touchstone);
  } finally {
    await touchstone.close();
  }
}
