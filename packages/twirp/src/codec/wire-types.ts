import { ScalarType } from "@protobuf-ts/runtime";

/** https://protobuf.dev/programming-guides/encoding/#structure */
export const WIRE = { varint: 0, bit64: 1, bytes: 2, startGroup: 3, endGroup: 4, bit32: 5 } as const;

/** How a scalar stands on the wire when it stands alone. */
export function wireTypeOf(type: ScalarType): number {
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WIRE.bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WIRE.bit32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WIRE.bytes;
    default:
      return WIRE.varint;
  }
}
