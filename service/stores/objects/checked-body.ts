// Watches a body on its way into a store: remembers its own failure, and holds it to the promised length.

export interface CheckedBody {
  chunks: AsyncIterable<Uint8Array>;
  /** Set once the body itself has failed: what it threw. */
  readonly failure: { error: unknown } | undefined;
}

/** @param length bytes that must come; undefined: any number */
export function checkedBody(body: AsyncIterable<Uint8Array>, length: number | undefined): CheckedBody {
  let failure: { error: unknown } | undefined;
  async function* chunks() {
    let count = 0;
    try {
      for await (const chunk of body) {
        count += chunk.length;
        if (length !== undefined && count > length) break;
        yield chunk;
      }
      if (length !== undefined && count !== length)
        throw new RangeError(`the body does not have the ${length} bytes promised`);
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  return {
    chunks: chunks(),
    get failure() {
      return failure;
    },
  };
}
