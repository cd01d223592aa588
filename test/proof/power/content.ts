/** The bytes of a file; unwritten bytes are zero. */
export type Content = {
  size(): number;
  write(offset: number, data: Buffer): void;
  /** Cuts the file, or extends it by zeros. */
  truncate(size: number): void;
  /** A view of the current bytes. */
  bytes(): Buffer;
  copy(): Content;
};

export function createContent(start: Buffer = Buffer.alloc(0)): Content {
  let bytes = Buffer.from(start);
  let size = start.length;

  function reserve(wanted: number): void {
    if (wanted <= bytes.length) return;
    const larger = Buffer.alloc(Math.max(wanted, 2 * bytes.length, 65_536));
    bytes.copy(larger, 0, 0, size);
    bytes = larger;
  }

  return {
    size: () => size,
    write(offset, data) {
      reserve(offset + data.length);
      data.copy(bytes, offset);
      size = Math.max(size, offset + data.length);
    },
    truncate(wanted) {
      reserve(wanted);
      if (wanted < size) bytes.fill(0, wanted, size);
      size = wanted;
    },
    bytes: () => bytes.subarray(0, size),
    copy: () => createContent(bytes.subarray(0, size)),
  };
}
