// Decoding of the columns of numbers that analysis/report/encoding.py packed into the page.

/** Inflate the bytes of a base64 text. */
export async function inflated(text) {
  const stream = new Blob([bytesOf(text.trim())]).stream();
  const plain = stream.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** Return columns by name: Int32Array, or Float64Array if numbers are large or unknown (NaN). */
export async function unpack(heads, text) {
  const bytes = await inflated(text);
  const columns = {};
  let from = 0;
  for (const head of heads) {
    const known = head.nulls ? bytes.subarray(from, from + head.length) : null;
    from += known ? head.length : 0;
    const planes = bytes.subarray(from, from + head.length * head.bytes);
    from += planes.length;
    columns[head.name] = narrowed(decoded(planes, head), known);
  }
  return columns;
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const plain = atob(text);
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

function decoded(planes, { length, bytes, order }) {
  if (bytes > 6) return decodedLarge(planes, { length, bytes, order });
  const values = new Float64Array(length);
  for (let plane = 0, weight = 1; plane < bytes; plane++, weight *= 256) {
    const offset = plane * length;
    for (let i = 0; i < length; i++) values[i] += planes[offset + i] * weight;
  }
  for (let i = 0; i < length; i++) {
    const value = values[i];
    values[i] = value % 2 ? -(value + 1) / 2 : value / 2;
  }
  for (let turn = 0; turn < order; turn++) {
    for (let i = 1; i < length; i++) values[i] += values[i - 1];
  }
  return values;
}

/** Decode numbers of up to 64 bits; those beyond 53 bits are rounded at the end. */
function decodedLarge(planes, { length, bytes, order }) {
  const values = new BigInt64Array(length);
  for (let i = 0; i < length; i++) {
    let value = 0n;
    for (let plane = bytes - 1; plane >= 0; plane--) {
      value = (value << 8n) | BigInt(planes[plane * length + i]);
    }
    values[i] = (value >> 1n) ^ -(value & 1n);
  }
  for (let turn = 0; turn < order; turn++) {
    for (let i = 1; i < length; i++) values[i] += values[i - 1];
  }
  return Float64Array.from(values, Number);
}

function narrowed(values, known) {
  if (known) {
    for (let i = 0; i < values.length; i++) if (!known[i]) values[i] = NaN;
    return values;
  }
  for (let i = 0; i < values.length; i++) if (values[i] !== (values[i] | 0)) return values;
  return new Int32Array(values);
}
